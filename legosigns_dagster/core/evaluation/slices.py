"""The two slices that every detector is judged by: classical signs and LEGO signs."""

CLASSICAL, LEGO = "classical signs", "LEGO signs"


# What is forgotten first is where a sign ends, which mAP50 hardly sees; what is learned first is that there is one.
HEADLINES = {CLASSICAL: "map50_95", LEGO: "map50"}
