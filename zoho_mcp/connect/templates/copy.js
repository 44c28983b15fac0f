
const button = document.getElementById("copy"), said = document.getElementById("copied");
button.hidden = false;
button.addEventListener("click", async () => {
  const address = document.getElementById("address");
  try {
    await navigator.clipboard.writeText(address.textContent);
    said.textContent = "Copied.";
  } catch {
    getSelection().selectAllChildren(address);
    said.textContent = "Selected. Press Ctrl+C, or ⌘C on a Mac.";
  }
});
