#include "edge/api/page.h"

namespace mien::edge::api {

std::string_view page_html() {
  return R"html(<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Mien: drift</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/page.css">
<script src="/page.js" defer></script>
</head>
<body>
<a class="skip" href="#instances">Skip to the instances</a>
<header>
  <h1>Mien</h1>
  <p id="summary" role="status">Loading</p>
  <label class="filter">Show <input id="filter" type="search" placeholder="name, persona or type" autocomplete="off"></label>
  <p id="live" class="live">connecting</p>
</header>
<form id="login" hidden>
  <label>Token <input id="token" type="password" autocomplete="off"></label>
  <button>Sign in</button>
  <p id="login-why">This address needs a token: a viewer's is enough.</p>
</form>
<p id="holds" class="banner" role="status" hidden></p>
<main>
  <section id="acting" aria-labelledby="acting-title" hidden>
    <h2 id="acting-title" class="quiet">Actions</h2>
    <div class="scroll"></div>
  </section>
  <section aria-labelledby="instances-title">
    <h2 id="instances-title" class="quiet">Instances</h2>
    <div class="scroll">
    <table id="instances">
      <thead><tr>
        <th scope="col">Instance</th><th scope="col">Drift</th><th scope="col">State</th><th scope="col">Persona</th>
        <th scope="col">Worst metric</th><th scope="col">Reasons</th><th scope="col">Findings</th>
      </tr></thead>
      <tbody></tbody>
    </table>
    </div>
    <p id="empty" hidden>No instance matches. Instances appear by themselves when telemetry of them arrives.</p>
  </section>
  <section id="details" aria-labelledby="details-title" hidden>
    <header><h2 id="details-title" tabindex="-1"></h2><button id="close" type="button">Close</button></header>
    <div id="details-body"></div>
  </section>
</main>
<p id="announce" class="off-screen" aria-live="polite"></p>
<noscript><p>This page needs its script. Without it: <code>mien drift</code>, or <a href="/api/v1/drift">/api/v1/drift</a>.</p></noscript>
</body>
</html>
)html";
}

}  // namespace mien::edge::api
