"use strict";

// Buttons that ask the browser for a passkey. The element with data-passkey says what for:
// "create" and "get" take their options from a JSON block of the page, "sign-in" fetches them,
// because a challenge is made when it is needed. What the browser answers goes into a field of
// the form, which is then sent. Without scripts or passkeys the buttons are not shown.

async function passkeyOptions(box, form) {
  if (box.dataset.passkey !== "sign-in") {
    return JSON.parse(document.getElementById(box.dataset.passkeyOptions).textContent);
  }
  const answer = await fetch(form.action, { headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`options: ${answer.status}`);
  return answer.json();
}

async function askForPasskey(box, form) {
  const options = await passkeyOptions(box, form);
  if (box.dataset.passkey !== "create") return webauthnJSON.get(options.request_options);
  const { publicKey } = options.creation_options;
  const asked = { residentKey: "required", requireResidentKey: true, userVerification: "required" };
  const authenticatorSelection = { ...publicKey.authenticatorSelection, ...asked };
  return webauthnJSON.create({ publicKey: { ...publicKey, authenticatorSelection } });
}

function preparePasskey(box) {
  const button = box.querySelector("button");
  const failed = box.querySelector("[role=alert]");
  const field = document.getElementById(box.dataset.passkeyField);
  const form = field.form;
  box.hidden = false;
  button.addEventListener("click", async () => {
    failed.hidden = true;
    button.disabled = true;
    try {
      field.value = JSON.stringify(await askForPasskey(box, form));
      form.noValidate = true; // fields of the other way to sign in may be empty
      form.submit();
    } catch (error) {
      console.info(error);
      failed.hidden = false;
      button.disabled = false;
    }
  });
}

if (window.PublicKeyCredential && window.webauthnJSON) {
  for (const box of document.querySelectorAll("[data-passkey]")) preparePasskey(box);
}
