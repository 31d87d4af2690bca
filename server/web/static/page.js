// What the pages do beyond plain HTML; every page also works without this file.
"use strict";
document.documentElement.classList.add("js");

const token = document.querySelector('meta[name="csrf-token"]')?.content ?? "";

// Workbooks dropped on the page or picked: one request and one progress bar per file.
const drop = document.querySelector("[data-drop]");
if (drop) {
  const picker = drop.querySelector('input[type="file"]');
  const list = document.querySelector("[data-receipts]");
  const limit = Number(drop.dataset.limit);
  const waiting = [];
  let running = 0;

  const card = (name) => {
    const box = document.createElement("section");
    box.className = "card receipt upload";
    const title = document.createElement("b");
    title.textContent = name;
    const state = document.createElement("span");
    state.className = "muted";
    state.setAttribute("role", "status");
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    box.append(title, state, bar);
    return { box, state, bar };
  };

  const fail = (shown, words) => {
    shown.box.classList.add("bad");
    shown.bar.remove();
    shown.state.className = "wrong";
    shown.state.textContent = words;
  };

  const send = ({ file, shown }) => new Promise((done) => {
    if (file.size > limit) {
      fail(shown, drop.dataset.tooLarge);
      return done();
    }
    const body = new FormData(drop);
    body.delete("workbook");
    body.append("workbook", file, file.name);
    const request = new XMLHttpRequest();
    request.open("POST", drop.action);
    request.setRequestHeader("X-CSRFToken", token);
    request.setRequestHeader("X-Requested-With", "fetch");
    request.upload.onprogress = (event) => {
      if (event.lengthComputable) shown.bar.value = event.loaded / event.total;
      shown.state.textContent = drop.dataset.sending;
    };
    request.upload.onload = () => {
      shown.bar.removeAttribute("value");
      shown.state.textContent = drop.dataset.checking;
    };
    request.onload = () => {
      const elsewhere = request.responseURL && new URL(request.responseURL).pathname !== new URL(drop.action).pathname;
      if (elsewhere) {
        fail(shown, drop.dataset.expired); // sent on to the sign-in page
      } else if (request.status === 200) {
        const holder = document.createElement("template");
        holder.innerHTML = request.responseText;
        shown.box.replaceWith(holder.content);
      } else if (request.status === 413) {
        fail(shown, drop.dataset.tooLarge);
      } else if (request.status === 400 || request.status === 401) {
        fail(shown, drop.dataset.expired);
      } else {
        fail(shown, drop.dataset.failed);
      }
      done();
    };
    request.onerror = () => {
      fail(shown, drop.dataset.offline);
      done();
    };
    request.send(body);
  });

  const next = async () => {
    if (running >= 2 || !waiting.length) return;
    running += 1;
    await send(waiting.shift());
    running -= 1;
    next();
  };

  const take = (files) => {
    const taken = [...files].map((file) => ({ file, shown: card(file.name) }));
    list.prepend(...taken.map(({ shown }) => shown.box));
    waiting.push(...taken);
    next();
    next();
  };

  picker.addEventListener("change", () => {
    take(picker.files);
    picker.value = "";
  });
  for (const kind of ["dragenter", "dragover"]) {
    document.addEventListener(kind, (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
  }
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) drop.classList.remove("over");
  });
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    take(event.dataTransfer.files);
  });
}

// Drop-downs that depend on another: only the children of what was chosen there are offered.
const everything = new WeakMap();
const narrow = (select) => {
  const parent = document.getElementById(select.dataset.under);
  if (!parent) return;
  if (!everything.has(select)) everything.set(select, [...select.options]);
  const chosen = select.value;
  const options = everything.get(select).filter(
    (option) => !option.dataset.parent || !parent.value || option.dataset.parent === parent.value);
  select.replaceChildren(...options);
  select.value = options.some((option) => option.value === chosen) ? chosen : "";
  if (select.value !== chosen) select.dispatchEvent(new Event("change", { bubbles: true }));
};
const narrowAll = (within) => within.querySelectorAll("select[data-under]").forEach(narrow);
narrowAll(document);
document.addEventListener("change", (event) => {
  if (!event.target.id) return;
  document.querySelectorAll("select[data-under]").forEach((select) => {
    if (select.dataset.under === event.target.id) narrow(select);
  });
});

// Lines of repeats: added from the blank one, removed by their button, always numbered from 1.
const renumber = (table) => table.querySelectorAll(".line-number").forEach((cell, index) => {
  cell.textContent = index + 1;
});
document.querySelectorAll("[data-lines]").forEach((box) => {
  const body = box.querySelector("tbody");
  let next = body.rows.length;
  box.querySelector("[data-add-line]").addEventListener("click", (event) => {
    event.preventDefault();
    const line = box.querySelector("template").content.cloneNode(true);
    line.querySelectorAll("[name], [data-under]").forEach((input) => {
      for (const key of ["name", "id"]) if (input[key]) input[key] = input[key].replace(".#.", `.${next}.`);
      if (input.dataset.under) input.dataset.under = input.dataset.under.replace(".#.", `.${next}.`);
    });
    next += 1;
    body.append(line);
    narrowAll(body.lastElementChild);
    renumber(body);
    body.lastElementChild.querySelector("input, select, textarea")?.focus();
  });
  body.addEventListener("click", (event) => {
    const button = event.target.closest("[data-remove-line]");
    if (!button) return;
    button.closest("tr").remove();
    renumber(body);
  });
});

// Leaving a form that was filled in but not sent asks first.
const fill = document.querySelector("[data-fill]");
if (fill) {
  let touched = false;
  const ask = (event) => event.preventDefault();
  fill.addEventListener("input", () => {
    if (!touched) window.addEventListener("beforeunload", ask);
    touched = true;
  });
  fill.addEventListener("submit", () => window.removeEventListener("beforeunload", ask));
  document.getElementById("findings")?.focus();
}

// Filters answer at once; without this file their button does it.
document.querySelectorAll('form[data-at-once] select, form[data-at-once] input[type="checkbox"]').forEach((select) => {
  select.addEventListener("change", () => select.form.requestSubmit());
});
