(function () {
  'use strict';
  var root = document.documentElement;
  var narrow = window.matchMedia('screen and (max-width: 760px)');
  var figures = [];

  function colour(name) {
    return getComputedStyle(root).getPropertyValue('--' + name).trim();
  }

  function palette() {
    return ['c1', 'c2', 'c3', 'c4', 'c5', 'c6', 'c7', 'c8'].map(colour);
  }

  function escape(text) {
    return echarts.format.encodeHTML(String(text));
  }

  function digits(value, most) {
    return value.toLocaleString('en', { maximumFractionDigits: most });
  }

  // Enough digits to tell neighbours apart, never more.
  function decimal(value) {
    var size = Math.abs(value);
    return digits(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 1 ? 3 : 4);
  }

  var formats = {
    count: function (value) { return digits(value, 0); },
    decimal: decimal,
    percent: function (value) { return digits(100 * value, Math.abs(value) < 0.01 ? 3 : 1) + '%'; },
    // Small numbers in full as long as their zeros can be counted at a glance.
    scientific: function (value) {
      return value === 0 || Math.abs(value) >= 1e-4 ? String(Number(value.toPrecision(3))) : value.toExponential(1).replace(/e-(\d+)/, function (all, power) {
        return ' × 10⁻' + power.replace(/./g, function (digit) { return '⁰¹²³⁴⁵⁶⁷⁸⁹'[+digit]; });
      });
    },
    times: function (value) { return digits(value, 2) + ' ×'; }
  };

  function short(format) {
    if (format !== 'count') { return formats[format]; }
    return function (value) {
      var size = Math.abs(value);
      return size >= 1e9 ? digits(value / 1e9, 1) + ' G' : size >= 1e6 ? digits(value / 1e6, 1) + ' M' : size >= 1e5 ? digits(value / 1e3, 1) + ' k' : digits(value, 0);
    };
  }

  function tip(head, rows) {
    return '<div class="tip"><b>' + escape(head) + '</b>' + rows.map(function (row) {
      return '<div><i style="background:' + row.colour + '"></i>' + escape(row.name) + '<span>' + escape(row.value) + '</span></div>';
    }).join('') + '</div>';
  }

  function base() {
    return {
      animation: false,
      color: palette(),
      textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: colour('soft'), fontSize: 12 },
      legend: { type: 'scroll', top: 0, left: 0, icon: 'roundRect', itemWidth: 12, itemHeight: 4, itemGap: 18, textStyle: { color: colour('ink'), fontSize: 12.5 }, pageIconColor: colour('soft'), pageTextStyle: { color: colour('soft') } },
      tooltip: { backgroundColor: colour('card'), borderColor: colour('line'), textStyle: { color: colour('ink') }, extraCssText: 'box-shadow:0 4px 18px rgba(0,0,0,.14);border-radius:8px', confine: true }
    };
  }

  function valueAxis(spec, more) {
    return Object.assign({
      type: 'value', name: spec.name, nameTextStyle: { color: colour('soft'), fontSize: 12 },
      axisLine: { show: false }, axisTick: { show: false },
      axisLabel: { color: colour('soft'), formatter: short(spec.format), hideOverlap: true },
      splitLine: { lineStyle: { color: colour('rule') } }
    }, more);
  }

  function stepAxis(spec, more) {
    return valueAxis(spec, Object.assign({
      nameLocation: 'middle', nameGap: 28, splitLine: { show: false }, min: 'dataMin', max: 'dataMax',
      axisLine: { show: true, lineStyle: { color: colour('line') } }
    }, more));
  }

  // The unit of a vertical axis stands level above it, where it can be read.
  function above(axis, top) {
    return { type: 'text', left: 0, top: top, silent: true, style: { text: axis.name, fill: colour('soft'), fontSize: 12, fontFamily: getComputedStyle(document.body).fontFamily } };
  }

  function lines(spec, logarithmic) {
    var option = base();
    var x = formats[spec.x.format];
    var y = formats[spec.y.format];
    var legend = spec.series.length > 1;
    option.legend.show = legend;
    // A curve without points keeps the colours of those that follow.
    option.legend.data = spec.series.filter(function (series) { return series.points.length > 0; }).map(function (series) { return series.name; });
    option.graphic = [above(spec.y, legend ? 30 : 4)];
    option.grid = { left: 10, right: 30, top: legend ? 58 : 30, bottom: 26, containLabel: true };
    option.xAxis = stepAxis(spec.x);
    option.yAxis = valueAxis(spec.y, { name: '', scale: spec.scale !== 'from_zero', min: spec.scale === 'from_zero' ? 0 : null });
    if (logarithmic) { logarithms(option, spec); }
    option.tooltip.trigger = 'axis';
    option.tooltip.axisPointer = { type: 'line', lineStyle: { color: colour('soft'), type: 'dashed' } };
    option.tooltip.formatter = function (points) {
      return tip(spec.x.name + ' ' + x(points[0].value[0]), points.map(function (point) {
        return { colour: point.color, name: point.seriesName, value: y(point.value[1]) };
      }));
    };
    option.series = spec.series.map(function (series) {
      var points = logarithmic ? series.points.filter(function (point) { return point[0] > 0 && point[1] > 0; }) : series.points;
      return {
        name: series.name, type: 'line', data: points,
        showSymbol: series.style === 'points' || points.length === 1, symbol: 'circle', symbolSize: 6,
        lineStyle: { width: series.style === 'faint' ? 1 : 2, opacity: series.style === 'faint' ? 0.45 : 1 },
        emphasis: { disabled: true }
      };
    });
    if (option.series.length > 0) {
      option.series[0].markLine = {
        silent: true, symbol: 'none',
        data: spec.levels.map(function (mark) {
          return { yAxis: mark.at, name: mark.name, lineStyle: { color: colour('soft'), type: 'dashed', width: 1 }, label: { position: endsNear(spec.series, mark.at) ? 'insideStartBottom' : 'insideEndTop', formatter: escapeless(mark.name + ' ' + y(mark.at)), color: colour('soft'), fontSize: 12 } };
        }).concat(spec.events.map(function (mark) {
          return { xAxis: mark.at, name: mark.name, lineStyle: { color: colour('wrong'), type: 'dotted', width: 1.5 }, label: { position: 'insideEndTop', rotate: 0, align: 'left', padding: [0, 0, 0, 5], formatter: escapeless(mark.name), color: colour('wrong'), fontSize: 11.5 } };
        }))
      };
      // The axis must reach the level, or it is not seen.
      var levels = spec.levels.map(function (mark) { return mark.at; });
      if (levels.length > 0 && !logarithmic) {
        option.yAxis.min = function (range) { return nice(Math.min.apply(null, levels.concat(range.min)), Math.floor); };
        option.yAxis.max = function (range) { return nice(Math.max.apply(null, levels.concat(range.max)), Math.ceil); };
      }
    }
    return option;
  }

  // Whether a curve ends where the label of a level would stand.
  function endsNear(curves, level) {
    var low = level;
    var high = level;
    curves.forEach(function (curve) {
      curve.points.forEach(function (point) { low = Math.min(low, point[1]); high = Math.max(high, point[1]); });
    });
    return curves.some(function (curve) {
      return curve.points.length > 0 && Math.abs(curve.points[curve.points.length - 1][1] - level) < 0.15 * (high - low);
    });
  }

  // Both axes: what falls as a power of the steps is a straight line then.
  function logarithms(option, spec) {
    var low = Infinity;
    var high = 0;
    spec.series.forEach(function (series) {
      series.points.forEach(function (point) {
        if (point[1] > 0) { low = Math.min(low, point[1]); high = Math.max(high, point[1]); }
      });
    });
    option.xAxis.type = 'log';
    Object.assign(option.yAxis, { type: 'log', logBase: high / low > 50 ? 10 : high / low > 3 ? 2 : Math.SQRT2, min: 0.97 * low, max: 1.03 * high });
    var format = short(spec.y.format);
    Object.assign(option.yAxis.axisLabel, {
      showMinLabel: false, showMaxLabel: false, formatter: function (value) { return format(Number(value.toPrecision(3))); }
    });
  }

  function nice(value, round) {
    var unit = Math.abs(value) >= 10 ? 5 : Math.abs(value) >= 2 ? 0.5 : 0.25;
    return round(value / unit) * unit;
  }

  // A formatter given as a function takes the name as it is: braces in it are no template.
  function escapeless(text) {
    return function () { return text; };
  }

  // The widest of some texts as the browser lays them out.
  function textWidth(texts, size) {
    var probe = document.createElement('span');
    probe.style.cssText = 'position:absolute;visibility:hidden;white-space:nowrap;font-size:' + size + 'px';
    document.body.appendChild(probe);
    var widest = texts.reduce(function (most, text) {
      probe.textContent = text;
      return Math.max(most, probe.getBoundingClientRect().width);
    }, 0);
    probe.remove();
    return Math.ceil(widest);
  }

  function bars(spec, lying) {
    var option = base();
    var format = formats[spec.value.format];
    var legend = spec.series.length > 1;
    option.legend.show = legend;
    option.legend.icon = 'roundRect';
    option.legend.itemHeight = 10;
    var room = lying ? Math.min(textWidth(spec.categories, 12.5), narrow.matches ? 120 : 280) : 0;
    option.grid = lying
      ? { left: room + 12, right: 30, top: legend ? 34 : 6, bottom: 48 }
      : { left: 4, right: 14, top: legend ? 58 : 30, bottom: 6, containLabel: true };
    if (!lying) { option.graphic = [above(spec.value, legend ? 30 : 4)]; }
    var names = {
      type: 'category', data: spec.categories, inverse: lying,
      axisTick: { show: false }, axisLine: { lineStyle: { color: colour('line') } },
      axisLabel: { color: colour('ink'), fontSize: 12.5, width: lying ? room + 1 : undefined, overflow: 'truncate' }
    };
    var values = valueAxis(spec.value, lying ? { nameLocation: 'middle', nameGap: 28 } : { name: '' });
    option.xAxis = lying ? values : names;
    option.yAxis = lying ? names : values;
    option.tooltip.trigger = 'axis';
    option.tooltip.axisPointer = { type: 'shadow', shadowStyle: { color: colour('soft'), opacity: 0.08 } };
    option.tooltip.formatter = function (points) {
      return tip(points[0].name, points.map(function (point) {
        return { colour: point.color, name: point.seriesName, value: format(point.value) };
      }));
    };
    option.series = spec.series.map(function (series, index) {
      var last = lying && spec.series.length > 1 && index === spec.series.length - 1;
      return {
        name: series.name, type: 'bar', data: series.values, stack: lying ? 'all' : undefined, barMaxWidth: lying ? 20 : 34,
        itemStyle: { color: last ? colour('dropped') : undefined, borderRadius: lying ? 2 : [3, 3, 0, 0] },
        emphasis: { disabled: true }
      };
    });
    return option;
  }

  // Round numbers along a row of columns that stand for ranges: index to label.
  function roundLabels(columns, format) {
    var labels = {};
    var range = columns[columns.length - 1] - columns[0];
    var power = Math.pow(10, Math.floor(Math.log10(Math.max(1, range / 5))));
    var step = [1, 2, 5, 10].map(function (unit) { return unit * power; }).find(function (unit) { return range / unit <= 6; }) || 10 * power;
    columns.forEach(function (column, index) {
      if (index === 0) { return; }
      var multiple = Math.floor(column / step);
      if (multiple > Math.floor(columns[index - 1] / step)) { labels[index] = format(multiple * step); }
    });
    return labels;
  }

  function heat(spec) {
    var option = base();
    var x = formats[spec.x.format];
    var value = formats[spec.value.format];
    var labels = roundLabels(spec.columns, short(spec.x.format));
    option.legend.show = false;
    option.graphic = [above(spec.y, 8)];
    option.grid = { left: textWidth(spec.rows, 12) + 12, right: 6, top: 34, bottom: 46 };
    var names = { type: 'category', axisTick: { show: false }, axisLine: { show: false }, splitLine: { show: false } };
    option.xAxis = Object.assign({}, names, {
      data: spec.columns.map(String), name: spec.x.name, nameLocation: 'middle', nameGap: 28,
      nameTextStyle: { color: colour('soft'), fontSize: 12 },
      axisLabel: { color: colour('soft'), interval: function (index) { return labels[index] !== undefined; }, formatter: function (value, index) { return labels[index]; } }
    });
    option.yAxis = Object.assign({}, names, { data: spec.rows, axisLabel: { color: colour('soft') } });
    option.visualMap = {
      min: 0, max: 2 * spec.middle, calculable: false, orient: 'horizontal', right: 0, top: 0, itemWidth: 11, itemHeight: narrow.matches ? 70 : 120,
      text: ['≥ ' + value(2 * spec.middle), '0'], textStyle: { color: colour('soft'), fontSize: 12 },
      inRange: { color: [colour('low'), colour('neutral'), colour('high')] }
    };
    option.tooltip.formatter = function (point) {
      return tip(spec.x.name + ' ' + x(spec.columns[point.value[0]]) + ', ' + spec.y.name + ' ' + spec.rows[point.value[1]],
        [{ colour: point.color, name: spec.value.name, value: value(point.value[2]) }]);
    };
    option.series = [{ type: 'heatmap', data: spec.cells, progressive: 0, itemStyle: { borderWidth: 0 }, emphasis: { itemStyle: { borderColor: colour('ink'), borderWidth: 1 } } }];
    return option;
  }

  function option(figure) {
    switch (figure.spec.kind) {
      case 'lines': return lines(figure.spec, figure.logarithmic);
      case 'bars': return bars(figure.spec, false);
      case 'stacked': return bars(figure.spec, true);
      default: return heat(figure.spec);
    }
  }

  function draw(figure) {
    figure.chart.setOption(option(figure), true);
    figure.chart.resize();
  }

  function switcher(figure) {
    var box = document.createElement('div');
    box.className = 'scale';
    box.setAttribute('role', 'group');
    box.setAttribute('aria-label', 'Axes');
    ['linear', 'log–log'].forEach(function (name) {
      var button = document.createElement('button');
      button.type = 'button';
      button.textContent = name;
      button.setAttribute('aria-pressed', String(name === 'linear'));
      button.addEventListener('click', function () {
        figure.logarithmic = name !== 'linear';
        box.querySelectorAll('button').forEach(function (other) { other.setAttribute('aria-pressed', String(other === button)); });
        draw(figure);
      });
      box.appendChild(button);
    });
    figure.element.appendChild(box);
  }

  document.querySelectorAll('figure.chart').forEach(function (element) {
    var canvas = element.querySelector('.canvas');
    var figure = {
      element: element, spec: JSON.parse(element.querySelector('script').textContent), logarithmic: false,
      chart: echarts.init(canvas, null, { renderer: 'svg' })
    };
    figures.push(figure);
    if (figure.spec.scale === 'switchable') { switcher(figure); }
    draw(figure);
    if (window.ResizeObserver) { new ResizeObserver(function () { figure.chart.resize(); }).observe(canvas); }
  });

  function redraw() { figures.forEach(draw); }
  window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  narrow.addEventListener('change', redraw);
  window.addEventListener('beforeprint', function () { root.classList.add('printing'); redraw(); });
  window.addEventListener('afterprint', function () { root.classList.remove('printing'); redraw(); });
})();
