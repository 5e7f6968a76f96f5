import hashlib
import random
from dataclasses import replace

import pytest
from pydantic import ValidationError

from legosigns_dagster.core.dataset.dataset import TEST, TRAIN, VAL, Split
from legosigns_dagster.core.dataset.splits import Candidate, SplitSettings, group_images, natural_sort_key, split_for


def candidate(number: int, bits: int | None = None, captured_s: float | None = None) -> Candidate:
    """An image whose hash has nothing in common with another number's, unless given."""
    far = random.Random(number).getrandbits(64)
    return Candidate(
        f"{number}.jpg", hashlib.sha256(str(number).encode()).hexdigest(), far if bits is None else bits, captured_s
    )


def test_near_duplicates_share_a_group_and_others_do_not() -> None:
    images = [candidate(1, 0b0), candidate(2, 0b111), candidate(3, 2**64 - 1)]
    group = group_images(images, SplitSettings()).groups
    assert group[images[0].sha256] == group[images[1].sha256] != group[images[2].sha256]


def test_shots_of_one_burst_share_a_group_however_different_they_look() -> None:
    images = [candidate(1, captured_s=100.0), candidate(2, captured_s=104.0), candidate(3, captured_s=200.0)]
    group = group_images(images, SplitSettings()).groups
    assert group[images[0].sha256] == group[images[1].sha256] != group[images[2].sha256]


@pytest.mark.parametrize("seconds", [1, 3, 5])
def test_images_of_a_clock_that_stands_or_restarts_are_grouped_by_looks(seconds: int) -> None:
    images = [candidate(n, captured_s=float(n % seconds)) for n in range(40)]  # unrelated: of a battery that is empty
    images.append(candidate(40, images[39].perceptual_hash ^ 0b111, captured_s=0.0))
    grouping = group_images(images, SplitSettings())
    assert len(set(grouping.groups.values())) >= 36
    assert grouping.groups[images[40].sha256] == grouping.groups[images[39].sha256]
    assert len(grouping.doubtful_times) >= 35
    assert "0.jpg" in grouping.doubtful_times[images[39].sha256]


@pytest.mark.parametrize(
    ("bits", "apart_s", "near"), [(10, 60, True), (11, 60, False), (32, 5, True), (32, 5.1, False)]
)
def test_near_is_up_to_ten_bits_or_up_to_five_seconds(bits: int, apart_s: float, near: bool) -> None:
    images = [candidate(1, 0, 100.0), candidate(2, (1 << bits) - 1, 100 + apart_s)]
    assert (len(set(group_images(images, SplitSettings()).groups.values())) == 1) == near


def test_four_different_images_of_a_few_seconds_are_a_burst_and_a_fifth_is_not_of_it() -> None:
    images = [candidate(n, captured_s=n / 2) for n in range(5)]
    groups = group_images(images, SplitSettings()).groups
    assert len({groups[image.sha256] for image in images[:4]}) == 1
    assert groups[images[3].sha256] == groups[images[0].sha256] != groups[images[4].sha256]


def test_images_of_one_second_that_look_roughly_alike_share_a_group_and_no_others() -> None:
    images = [candidate(1, 0, 100.0), candidate(2, 0x3FFF, 100.0), candidate(3, 0x7FFF << 20, 100.0)]  # 14 and 15 bits
    grouping = group_images(images, SplitSettings())
    assert grouping.groups[images[0].sha256] == grouping.groups[images[1].sha256] != grouping.groups[images[2].sha256]
    assert grouping.doubtful_times == {images[2].sha256: "1.jpg, 2.jpg"}


def test_a_long_burst_whose_neighbours_look_alike_stays_one_group() -> None:
    images = [candidate(n, (1 << n) - 1, captured_s=100 + n / 10) for n in range(60)]
    grouping = group_images(images, SplitSettings())
    assert len(set(grouping.groups.values())) == 1
    assert not grouping.doubtful_times


def test_the_order_in_which_images_arrive_does_not_matter() -> None:
    images = [candidate(n, bits=(n // 3) * 0x0F0F_F0F0_1234_5678 ^ (1 << n % 3)) for n in range(30)]
    shuffled = random.Random(1).sample(images, len(images))
    assert group_images(images, SplitSettings()) == group_images(shuffled, SplitSettings())


def test_images_added_later_never_move_an_earlier_one() -> None:
    settings = SplitSettings(val_share=0.4)
    images = [
        candidate(n, random.Random(n % 40).getrandbits(64) ^ (1 << n % 64), None if n % 3 else float(n % 7))
        for n in range(120)
    ]
    before: dict[str, Split] = {}
    for count in range(10, 121, 10):
        group = group_images(images[:count], settings).groups
        splits = {sha256: split_for(name, settings) for sha256, name in group.items()}
        assert {sha256: splits[sha256] for sha256 in before} == before
        before = splits


def test_an_image_near_two_splits_is_left_out_and_says_what_it_is_near() -> None:
    settings = SplitSettings(val_share=0.5)
    first = candidate(1, 0)
    others = (candidate(n, 0x3FF_0000_0000 | 0xF_FC00) for n in range(2, 40))
    second = next(o for o in others if split_for(o.sha256[:12], settings) != split_for(first.sha256[:12], settings))
    between = candidate(50, 0xF_FC00)  # ten bits from each, which are twenty apart
    grouping = group_images([first, second, between], settings)
    assert grouping.cross_split_duplicates == {between.sha256: f"1.jpg, {second.name}"}
    assert between.sha256 not in grouping.groups


def test_about_the_wanted_share_of_groups_is_held_out() -> None:
    splits = [split_for(f"group {n}", SplitSettings(val_share=0.25)) for n in range(2000)]
    assert 0.22 < splits.count(VAL) / len(splits) < 0.28
    assert splits.count(VAL) + splits.count(TRAIN) == len(splits)


def test_another_seed_holds_out_other_groups() -> None:
    one, other = ([split_for(f"g{n}", SplitSettings(split_seed=s)) for n in range(50)] for s in (0, 1))
    assert one != other


def test_shares_that_leave_nothing_to_train_on_are_refused() -> None:
    with pytest.raises(ValidationError, match="leave nothing to train on"):
        SplitSettings(val_share=0.6, test_share=0.5)


def test_names_are_ordered_as_cameras_count() -> None:
    assert sorted(["IMG_10.jpg", "IMG_9.jpg", "1.jpg"], key=natural_sort_key) == ["1.jpg", "IMG_9.jpg", "IMG_10.jpg"]


@pytest.mark.parametrize(
    "name",
    [
        "①2.jpg",  # music-assistant/server#6102
        "area5²0.jpg",
        "٣.jpg",
        "\N{FULLWIDTH DIGIT SEVEN}.jpg",
        "\N{BENGALI DIGIT FOUR}x.jpg",
        "½.jpg",
        "9" * 5000 + ".jpg",
        "",
        "\ud83d.jpg",
    ],
)
def test_a_name_with_digits_of_any_alphabet_is_sorted(name: str) -> None:
    ordered = sorted(["10.jpg", name, "9.jpg"], key=natural_sort_key)
    assert ordered.index("9.jpg") < ordered.index("10.jpg")


def test_digits_of_other_alphabets_count_as_numbers() -> None:
    ten = "\N{FULLWIDTH DIGIT ONE}\N{FULLWIDTH DIGIT ZERO}"
    assert sorted([ten, "9", "٣", "007"], key=natural_sort_key) == ["٣", "007", "9", ten]


def test_an_exported_image_keeps_its_group_and_split_and_near_duplicates_join_it() -> None:
    """Whatever the settings are now, and though the near-duplicate comes first by its name."""
    exported = replace(candidate(7, 0), placement=("007", TEST))
    near, other = candidate(1, 0b111), candidate(2)
    grouping = group_images([near, exported, other], SplitSettings(val_share=0.0))
    assert (grouping.groups[exported.sha256], grouping.splits[exported.sha256]) == ("007", TEST)
    assert (grouping.groups[near.sha256], grouping.splits[near.sha256]) == ("007", TEST)
    assert grouping.splits[other.sha256] == TRAIN


def test_an_image_near_exported_ones_of_two_splits_is_left_out() -> None:
    exported = [replace(candidate(n, 0), placement=("g", split)) for n, split in ((1, TRAIN), (2, VAL))]
    grouping = group_images([*exported, candidate(3, 0b1)], SplitSettings())
    assert list(grouping.cross_split_duplicates.values()) == ["1.jpg, 2.jpg"]
