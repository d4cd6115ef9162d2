// Shows at once what another threshold would have alerted. Without it, the button asks for the page anew.
"use strict";

const slider = document.getElementById("at");
const counts = slider.dataset.counts.split(",");
const rows = [...document.querySelectorAll("#would-be > li")];
const put = (id, text) => { document.getElementById(id).textContent = text; };

const show = () => {
  const at = Number(slider.value);
  let right = 0, wrong = 0, lost = 0;
  for (const row of rows) {
    const reaches = Number(row.dataset.score) >= at - 1e-9;
    row.hidden = !reaches;
    if (row.dataset.vote === "relevant") { if (reaches) right += 1; else lost += 1; }
    if (row.dataset.vote === "not-relevant" && reaches) wrong += 1;
  }
  put("at-shown", at.toFixed(2));
  put("would", counts[Math.round(at * 100)]);
  put("right", right); put("wrong", wrong); put("lost", lost);
};

slider.addEventListener("input", show);
slider.form.querySelector("button").hidden = true;
