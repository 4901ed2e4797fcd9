// The icons, as paths on a grid of 24: drawn as lines, in the colour of the text around them.

export const PATHS = {
  play: "M8 5.5v13l10.5-6.5z",
  heart: "M12 20s-7.5-4.6-7.5-10.2A4.3 4.3 0 0 1 12 7.2a4.3 4.3 0 0 1 7.5 2.6C19.5 15.4 12 20 12 20z",
  download: "M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14",
  trash: "M5 7h14M10 7V4.5h4V7m-7.5 0 .8 12.5h9.4L17.5 7M10 11v5m4-5v5",
  again: "M19.5 12a7.5 7.5 0 1 1-2.2-5.3M19.5 4v4h-4",
  picture: "M4.5 5h15v14h-15zm0 11 4.5-4.5 3.5 3.5 2.5-2.5 4.5 4.5M15.5 9h.01",
  close: "M6.5 6.5l11 11m0-11-11 11",
  spark: "M12 3.5l2 6.5 6.5 2-6.5 2-2 6.5-2-6.5-6.5-2 6.5-2z",
  film: "M4 5.5h16v13H4zm4 0v13m8-13v13M4 10h4m-4 4h4m8-4h4m-4 4h4",
  alert: "M12 8.5v4.5m0 3h.01M12 4l8.5 15h-17z",
  offline: "M4 4l16 16M5 12.5a10 10 0 0 1 4-2.4m10 2.4a10 10 0 0 0-6-2.9M8.5 16a5 5 0 0 1 6 .2M12 19.5h.01",
};
