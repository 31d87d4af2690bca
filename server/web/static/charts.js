// Makes the drawn charts answer: values under the pointer, parts switched off, zoom, a click leads to the records.
"use strict";
(() => {
  const boxes = [...document.querySelectorAll("[data-figure]")];
  const cards = [...document.querySelectorAll("[data-card]")];
  if (!boxes.length && !cards.length) return;
  const source = document.currentScript.dataset.plotly;
  const chinese = document.documentElement.lang.startsWith("zh");
  const touch = matchMedia("(pointer: coarse)").matches || (navigator.maxTouchPoints > 0 && innerWidth < 760);
  const words = chinese
    ? { open: "查看记录 →", zoom: "放大", out: "缩小", reset: "复原", image: "存为图片" }
    : { open: "Show the records →", zoom: "Zoom in", out: "Zoom out", reset: "Reset", image: "Save as a picture" };

  // The content policy forbids style attributes but not styles set one by one; plotly writes some as attributes.
  const allowStyles = () => {
    const plain = Element.prototype.setAttribute;
    Element.prototype.setAttribute = function (name, value) {
      if (name === "style" && this.style) this.style.cssText = value;
      else plain.call(this, name, value);
    };
  };

  let loading = null;
  const plotly = () => {
    loading ??= new Promise((done, failed) => {
      allowStyles();
      const script = document.createElement("script");
      script.src = source;
      script.onload = () => {
        window.Plotly.register({
          moduleType: "locale",
          name: "zh-CN",
          dictionary: { "Zoom in": words.zoom, "Zoom out": words.out, "Autoscale": words.reset,
            "Download plot as a PNG": words.image, "Download plot": words.image },
          format: {},
        });
        done(window.Plotly);
      };
      script.onerror = failed;
      document.head.append(script);
    });
    return loading;
  };

  const layoutOf = (own, box, wide) => {
    const axis = { gridcolor: "#e8edf2", linecolor: "#b4c0cc", tickcolor: "#b4c0cc", zerolinecolor: "#b4c0cc", automargin: true };
    const margin = { l: 34, r: 12, t: 24, b: 30, pad: 2, ...own.margin };
    return {
      ...own,
      height: box.clientHeight,
      margin,
      font: { family: getComputedStyle(document.body).fontFamily, size: wide ? 12 : 11, color: "#66758a" },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      showlegend: false,
      hovermode: "closest",
      dragmode: touch ? false : "zoom",
      hoverlabel: { bgcolor: "#1b2733", bordercolor: "#1b2733", font: { color: "#fff", size: 12.5 }, align: "left", namelength: -1 },
      xaxis: { ...axis, ...own.xaxis },
      yaxis: { ...axis, ...own.yaxis },
      ...(own.yaxis2 ? { yaxis2: { ...axis, ...own.yaxis2 } } : {}),
      modebar: { bgcolor: "rgba(255,255,255,.7)", color: "#8a97a6", activecolor: "#14549c" },
    };
  };

  // As many names under the axis as stand side by side; plotly itself would tilt them.
  const thinned = (layout, data, width) => {
    const names = data[0].x;
    if (layout.xaxis?.type !== "category" || layout.xaxis.ticktext || !names.length) return;
    const room = Math.max(1, Math.floor((width - 60) / (Math.max(...names.map((name) => name.length)) * 7.2 + 10)));
    const every = Math.ceil(names.length / room);
    layout.xaxis.tickvals = names.filter((_, index) => (names.length - 1 - index) % every === 0);
  };

  // A card becomes wider or narrower with its window, or when one comes that stands beside it.
  const follow = (Plotly, box, plot) => {
    let width = box.clientWidth;
    new ResizeObserver(() => {
      if (!box.clientWidth || box.clientWidth === width) return;
      width = box.clientWidth;
      box.style.height = "";
      box.style.height = `${Math.round(box.getBoundingClientRect().height)}px`;
      thinned(plot.layout, plot.data, width);
      Plotly.Plots.resize(plot);
    }).observe(box);
  };

  // Long names in a bubble break into lines; a narrow screen has no room for them otherwise.
  const broken = (text, width) => {
    const pieces = text.split(/(?<=[；;：:])/);
    const lines = [""];
    for (const piece of pieces) {
      if ((lines.at(-1) + piece).length > width && lines.at(-1)) lines.push(piece.trimStart());
      else lines[lines.length - 1] += piece;
    }
    return lines.join("<br>");
  };

  const legend = (Plotly, box, plot) => {
    for (const item of box.parentElement.querySelectorAll(".legend [data-trace]")) {
      const toggle = document.createElement("button");
      toggle.type = "button";
      toggle.className = "legend-toggle";
      toggle.setAttribute("aria-pressed", "true");
      toggle.append(...item.childNodes);
      toggle.addEventListener("click", () => {
        const on = toggle.getAttribute("aria-pressed") !== "true";
        toggle.setAttribute("aria-pressed", String(on));
        Plotly.restyle(plot, { visible: on ? true : "legendonly" }, [Number(item.dataset.trace)]);
      });
      item.append(toggle);
    }
  };

  const lead = (box, plot) => {
    const picked = document.createElement("p");
    picked.className = "picked";
    picked.setAttribute("role", "status");
    let finger = touch;
    box.addEventListener("pointerdown", (event) => { finger = event.pointerType === "touch"; }, { capture: true });
    plot.on("plotly_click", ({ points: [point] }) => {
      const address = point.customdata;
      if (!address) return;
      if (!finger) {
        location.assign(address);
        return;
      }
      // A finger cannot hover: the first tap shows the values, the link under them leads on.
      const link = document.createElement("a");
      link.href = address;
      link.textContent = words.open;
      picked.replaceChildren(link);
      box.after(picked); // not over the chart, where the same tap would hit it
    });
  };

  const upgrade = async (box) => {
    const drawn = box.getBoundingClientRect();
    if (!drawn.width || box.dataset.state) return;
    box.dataset.state = "loading";
    try {
      const Plotly = await plotly();
      const figure = JSON.parse(document.getElementById(`figure-${box.dataset.figure}`).textContent);
      const wide = drawn.width > 420;
      const { data, layout } = wide ? figure : figure.narrow ?? figure;
      for (const trace of data) trace.hovertext = trace.hovertext?.map((text) => broken(text, wide ? 44 : 24));
      thinned(layout, data, drawn.width);
      box.style.height = `${Math.round(drawn.height)}px`;
      const plot = document.createElement("div");
      plot.className = "plot";
      plot.setAttribute("role", "img");
      plot.setAttribute("aria-label", box.dataset.words);
      box.append(plot);
      await Plotly.newPlot(plot, data, layoutOf(layout, box, wide), {
        displaylogo: false,
        locale: chinese ? "zh-CN" : "en",
        doubleClick: "reset",
        modeBarButtons: [["zoomIn2d", "zoomOut2d", "autoScale2d", "toImage"]],
        displayModeBar: touch ? false : "hover",
        toImageButtonOptions: { filename: box.dataset.words, scale: 2 },
      });
      legend(Plotly, box, plot);
      lead(box, plot);
      follow(Plotly, box, plot);
      box.classList.add("live");
      box.dataset.state = "live";
    } catch (error) {
      box.dataset.state = "drawn"; // the drawing stays, and with it the links and the table
      if (error instanceof Error) console.error(error.message);
    }
  };

  // What takes longer to compute comes when the page stands already.
  const fetchCard = async (card, watch) => {
    try {
      const answer = await fetch(card.dataset.card, { headers: { "X-Requested-With": "fetch" }, signal: AbortSignal.timeout(60000) });
      if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
      const holder = document.createElement("template");
      holder.innerHTML = await answer.text();
      const came = holder.content.querySelector("section");
      card.replaceWith(came);
      came.querySelectorAll("[data-figure]").forEach(watch);
    } catch {
      card.querySelector("p").firstChild.textContent = `${card.dataset.failed} `;
    }
  };

  const begin = () => {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) {
          seen.unobserve(entry.target);
          upgrade(entry.target);
        }
      }
    }, { rootMargin: "200px" });
    const watch = (box) => {
      // Whoever saves data gets the script for the chart that is touched, not for looking at it.
      if (navigator.connection?.saveData) box.addEventListener("pointerdown", () => upgrade(box), { once: true });
      else seen.observe(box);
    };
    boxes.forEach(watch);
    for (const card of cards) fetchCard(card, watch);
  };
  const idle = window.requestIdleCallback ?? ((work) => setTimeout(work, 50));
  if (document.readyState === "complete") idle(begin);
  else window.addEventListener("load", () => idle(begin), { once: true });
})();
