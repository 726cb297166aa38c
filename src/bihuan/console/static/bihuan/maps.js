// The shapes of charts that are maps. Loaded by the first of them.
(() => {
  // `map` of an option says the shapes of its series: { tiles: name -> [column, row] }, or the world's { names: code -> name } with
  // { dots: name -> [longitude, latitude] } for what is too small to have a shape. Equal Earth: areas are true.
  const region = (name, type, coordinates) => ({ type: "Feature", properties: { name }, geometry: { type, coordinates } });
  const tile = ([x, y]) => [[[x, -y], [x + 0.94, -y], [x + 0.94, -y - 0.94], [x, -y - 0.94], [x, -y]]];
  const flat = ([longitude, latitude]) => {
    const angle = Math.asin((Math.sqrt(3) / 2) * Math.sin((latitude * Math.PI) / 180));
    const [a, b, c, d] = [1.340264, -0.081106, 0.000893, 0.003796];
    const [two, six] = [angle ** 2, angle ** 6];
    const x = (2 * Math.sqrt(3) * ((longitude * Math.PI) / 180) * Math.cos(angle)) / (3 * (9 * d * six * two + 7 * c * six + 3 * b * two + a));
    return [x * 60, angle * (d * six * two + c * six + b * two + a) * 60];
  };
  const dot = (place) => {
    const [x, y] = flat(place);
    return [Array.from({ length: 13 }, (_, step) => [x + 1.3 * Math.cos((step * Math.PI) / 6), y + 1.3 * Math.sin((step * Math.PI) / 6)])];
  };

  // A coast that crosses the date line goes on beyond 180 degrees, instead of across the whole map.
  const unbroken = (points) => {
    let turn = 0;
    return points.map(([x, y], place) => {
      const step = place ? x - points[place - 1][0] : 0;
      turn += step > 180 ? -360 : step < -180 ? 360 : 0;
      return [x + turn, y];
    });
  };

  let atlas = null;
  const world = (address) => (atlas ??= fetch(address).then((answer) => answer.json()).then(({ arcs, objects, transform }) => {
    const lines = arcs.map((arc) => {
      let [x, y] = [0, 0];
      return arc.map(([right, up]) => {
        [x, y] = [x + right, y + up];
        return [x * transform.scale[0] + transform.translate[0], y * transform.scale[1] + transform.translate[1]];
      });
    });
    const line = (place) => (place < 0 ? [...lines[~place]].reverse() : lines[place]);
    const ring = (places) => unbroken(places.flatMap((place, part) => line(place).slice(part ? 1 : 0))).map(flat);
    const shape = ({ type, arcs: parts }) => (type === "Polygon" ? parts.map(ring) : parts.map((polygon) => polygon.map(ring)));
    return objects.countries.geometries
      .filter(({ id }) => id !== "010") // Antarctica: nobody there buys, and it takes a sixth of the height
      .map((one) => ({ code: one.id ?? one.properties.name, name: one.properties.name, type: one.type, coordinates: shape(one) }));
  }));

  let maps = 0;
  window.bihuanMaps = async (library, { map, ...option }, address) => {
    const features = map.tiles
      ? Object.entries(map.tiles).map(([name, place]) => region(name, "Polygon", tile(place)))
      : [
          ...(await world(address)).map(({ code, name, type, coordinates }) => region(map.names[code] ?? name, type, coordinates)),
          ...Object.entries(map.dots).map(([name, place]) => region(name, "Polygon", dot(place))),
        ];
    const name = `map-${(maps += 1)}`;
    library.registerMap(name, { type: "FeatureCollection", features });
    // What is written on a tile must be legible on the darkest of them.
    const dark = document.documentElement.dataset.bsTheme === "dark";
    if (map.tiles) option.visualMap = { ...option.visualMap, inRange: { color: dark ? ["#17403c", "#0f766e"] : ["#d5ebe8", "#6cc0b4"] } };
    return { ...option, series: option.series.map((one) => (one.type === "map" ? { ...one, map: name, aspectScale: 1 } : one)) };
  };
})();
