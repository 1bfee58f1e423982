// Say in words what the chosen crontab means, beside a scheduled task's field.
const meanings = JSON.parse(document.getElementById("readable-crontabs").textContent);
const field = document.querySelector(".field-crontab");
const choice = document.getElementById("id_crontab");

document.querySelector(".field-crontab_translation")?.setAttribute("hidden", "");
if (field && choice) {
  const words = document.createElement("p");
  words.setAttribute("role", "status");
  field.append(words);
  const say = () => { words.textContent = meanings[choice.value] ?? ""; };
  choice.addEventListener("change", say);
  say();
}
