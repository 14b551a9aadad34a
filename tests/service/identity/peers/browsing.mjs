// A person's browser, as far as the provider needs one: cookies, redirects by hand, and the forms of its pages.
export class Browser {
  constructor(origin) {
    this.origin = origin;
    this.cookies = new Map();
  }

  async fetch(url, form) {
    const headers = { cookie: [...this.cookies].map(([k, v]) => `${k}=${v}`).join("; "), "accept-language": "en" };
    const options = { redirect: "manual", headers };
    if (form) {
      options.method = "POST";
      options.body = new URLSearchParams(form);
      headers.origin = this.origin;
    }
    const answer = await fetch(new URL(url, this.origin), options);
    for (const line of answer.headers.getSetCookie()) {
      const [name, value] = line.split(";")[0].split("=");
      this.cookies.set(name, value);
    }
    return answer;
  }

  // Follow redirects until a page, or an address outside.
  async open(url, form) {
    let answer = await this.fetch(url, form);
    while (answer.status >= 300 && answer.status < 400) {
      const location = answer.headers.get("location");
      if (/^https?:/.test(location) && !location.startsWith(this.origin)) return { outside: new URL(location) };
      url = location;
      answer = await this.fetch(location);
    }
    const text = await answer.text();
    return { status: answer.status, url, text, token: /name="form_token" value="([^"]*)"/.exec(text)?.[1] };
  }

  // Sign in as a persona where asked, agree where asked: the address of the app it ends at.
  async authorize(url, persona, decision = "agree") {
    let page = await this.open(url);
    for (let step = 0; step < 3 && !page.outside; step += 1) {
      if (!page.token) throw new Error(`no form: ${page.status} ${page.text.slice(0, 2000)}`);
      const form = page.text.includes('name="persona"')
        ? { form_token: page.token, do: "persona", persona }
        : { form_token: page.token, do: decision };
      page = await this.open(page.url, form);
    }
    return page.outside;
  }
}

export function expect(is_true, what) {
  if (!is_true) {
    console.error(`FAILED: ${what}`);
    process.exit(1);
  }
  console.log(`ok ${what}`);
}

export async function refused(promise, what, ...codes) {
  try {
    await promise;
  } catch (error) {
    const said = [error.error, error.code, error.cause?.[0]?.parameters?.error, error.cause?.error, error.status];
    return expect(codes.some((code) => said.includes(code)), `${what}: ${said.filter(Boolean)}`);
  }
  expect(false, `${what}: it was not refused`);
}
