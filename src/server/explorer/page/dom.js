// Elements. Whatever comes from a table enters as a text node or an attribute, never as markup.

export const $ = selector => document.querySelector(selector);

function append(element, children) {
  for (const child of children.flat(Infinity)) {
    if (child != null && child !== false) {
      element.append(child instanceof Node ? child : document.createTextNode(String(child)));
    }
  }
  return element;
}

// An element; `on` are listeners, `style` properties, and null or false leaves an attribute out.
export function h(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    const isAria = name.startsWith('aria-');
    if (value == null || (value === false && !isAria)) continue;
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === 'style') {
      for (const [property, set] of Object.entries(value)) element.style.setProperty(property, set);
    } else {
      element.setAttribute(name, value === true && !isAria ? '' : value);
    }
  }
  return append(element, children);
}

// Puts these in place of what is in an element.
export function fill(element, ...children) {
  element.replaceChildren();
  return append(element, children);
}

// The same in SVG.
export function s(tag, attributes, ...children) {
  const element = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value != null) element.setAttribute(name, value);
  }
  return append(element, children);
}

const ICONS = {
  map: 'M3 5l5-2 4 2 5-2v12l-5 2-4-2-5 2zM8 3v12M12 5v12',
  analogy: 'M3 15l5-9M12 15l5-9M6 6h2v2M15 6h2v2',
  axis: 'M2 10h16M4 7L2 10l2 3M16 7l2 3-2 3M10 7v6',
  bias: 'M10 3v14M10 6H5M10 10h6M10 14H7',
  compare: 'M4 5h5v10H4zM11 5h5v10h-5z',
  texts: 'M4 5h12M4 9h8M4 13h5M13 12a2.5 2.5 0 100 5 2.5 2.5 0 000-5zM15 16l2 2',
  tokens: 'M3 6h4v8H3zM8.5 6h3v8h-3zM13 6h4v8h-4z',
  tables: 'M3 4h14v12H3zM3 8h14M3 12h14M8 8v8',
  jobs: 'M10 4v6l4 2M10 17a7 7 0 110-14 7 7 0 010 14z',
  health: 'M2 10h4l2-5 4 10 2-5h4',
  search: 'M9 15A6 6 0 109 3a6 6 0 000 12zM13.5 13.5L17 17',
  sun: 'M10 13a3 3 0 100-6 3 3 0 000 6zM10 2v2M10 16v2M2 10h2M16 10h2M4.5 4.5L6 6M14 14l1.5 1.5M15.5 4.5L14 6M6 14l-1.5 1.5',
  more: 'M4 10h.01M10 10h.01M16 10h.01',
  help: 'M7.5 7.5a2.5 2.5 0 113.5 2.3c-.7.3-1 .8-1 1.7M10 14.5h.01',
  fit: 'M3 7V3h4M17 7V3h-4M3 13v4h4M17 13v4h-4',
  lasso:
    'M5 13c-2-1-3-2.500-3-4.500C2 5.500 5.500 3 10 3s8 2.500 8 5.500-3.500 5.500-8 5.500c-1 0-2-.1-3-.4M5 13a1.800 1.800 0 103 1.300M7.500 16c0 1-.7 1.700-2 2',
  drop: 'M10 3v9M6.500 8.500L10 12l3.500-3.500M3 13v4h14v-4',
  close: 'M5 5l10 10M15 5L5 15',
  swap: 'M4 7h11M12 4l3 3-3 3M16 13H5M8 10l-3 3 3 3',
};

export function icon(name, size = 18) {
  return s(
    'svg',
    {
      width: size,
      height: size,
      viewBox: '0 0 20 20',
      fill: 'none',
      stroke: 'currentColor',
      'stroke-width': name === 'more' ? 3 : 1.6,
      'stroke-linecap': 'round',
      'stroke-linejoin': 'round',
      'aria-hidden': 'true',
    },
    s('path', { d: ICONS[name] }),
  );
}

// Says something to whoever listens to the page in place of looking at it.
export function say(text) {
  $('#live').textContent = text;
}

export const css = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const still = matchMedia('(prefers-reduced-motion:reduce)').matches;
