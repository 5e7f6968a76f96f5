"""What a gallery does in a browser: filters, one image large, another one at random, keys."""

SCRIPT = """
'use strict';
const one = selector => document.querySelector(selector);
const form = one('form'), dialog = one('dialog'), large = one('.large');
const items = [...document.querySelectorAll('.grid > li')];
let current = null;

function fits({ dataset }) {
  const { class: wanted, split, size, origin } = Object.fromEntries(new FormData(form));
  const boxes = dataset.boxes.split(' ').filter(Boolean).map(text => text.split(':'));
  if ((split && dataset.split !== split) || (origin && dataset.origin !== origin)) return false;
  if (wanted === 'none') return !boxes.length && !size;
  if (!wanted && !size) return true;
  return boxes.some(([id, of]) => (!wanted || id === wanted) && (!size || of === size));
}
function filter() {
  for (const item of items) item.hidden = !fits(item);
  const count = seen().length;
  one('output').value = `${count} of ${items.length} images`;
  one('#another').disabled = !count;
}
const seen = () => items.filter(item => !item.hidden);
function show(item) {
  if (!item) return;
  current = item;
  const copy = item.querySelector('figure').cloneNode(true), link = copy.querySelector('a');
  const frame = document.createElement('div');
  frame.className = link.className;
  frame.style.cssText = link.style.cssText;
  frame.append(...link.childNodes);
  link.replaceWith(frame);
  large.replaceChildren(copy);
  if (!dialog.open) dialog.showModal();
}
function step(from, by) {
  const all = seen();
  return all[(all.indexOf(from) + by + all.length) % all.length];
}
function another() {
  const others = seen().filter(item => item !== current);
  show(others[Math.floor(Math.random() * others.length)] ?? seen()[0]);
}
form.hidden = one('.keys').hidden = false;
one('.without').hidden = true;
form.addEventListener('input', filter);
form.addEventListener('submit', event => event.preventDefault());
dialog.addEventListener('close', () => current.querySelector('a').focus());
one('.grid').addEventListener('click', event => {
  const link = event.target.closest('a');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  show(link.closest('li'));
});
one('#another').addEventListener('click', another);
one('#random').addEventListener('click', another);
one('#before').addEventListener('click', () => show(step(current, -1)));
one('#after').addEventListener('click', () => show(step(current, 1)));
one('#close').addEventListener('click', () => dialog.close());
document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('select')) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  const item = document.activeElement.closest('.grid > li');
  if (event.key.toLowerCase() === 'r') another();
  else if (by && dialog.open) show(step(current, by));
  else if (by && item) step(item, by).querySelector('a').focus();
  else return;
  event.preventDefault();
});
filter();
"""
