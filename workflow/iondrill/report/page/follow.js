// A page that is followed: when its server has a newer one it is loaded, once nothing is being played or typed.
{
  const note = make("p", { className: "follow", role: "status", textContent: "Followed while the workflow runs." });
  document.querySelector("header").append(note);
  let shown = null;
  const busy = () => ["Pause"].some((word) => [...document.querySelectorAll(".play")].some((button) => button.textContent === word))
    || ["INPUT", "SELECT"].includes(document.activeElement?.tagName) || document.fullscreenElement;
  const ask = async () => {
    try {
      const answer = await (await fetch("state", { cache: "no-store" })).json();
      shown ??= answer.page;
      if (answer.page !== shown && !busy()) return location.reload();
      note.textContent = answer.done ? "The workflow has ended; this page is complete." : `Followed while the workflow runs: ${answer.words}.`;
      if (answer.done) return;
    } catch {
      note.textContent = "The server has stopped; this page stays as it is.";
      return;
    }
    setTimeout(ask, 2000);
  };
  ask();
}
