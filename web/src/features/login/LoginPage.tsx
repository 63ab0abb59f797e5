import { type FormEvent, useState } from "react";

import { api, messageOf } from "../../api/client";
import { strings } from "../../strings";

/** Asks for a user name and password; calls back once the session cookies are set. */
export function LoginPage({ onSignedIn }: { onSignedIn: () => void }) {
  const [problem, setProblem] = useState<string | null>(null);
  const [isBusy, setIsBusy] = useState(false);

  async function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    setIsBusy(true);
    setProblem(null);
    try {
      const { error } = await api.POST("/api/auth/login", {
        body: { username: String(form.get("username")), password: String(form.get("password")) },
      });
      if (error === undefined) onSignedIn();
      else setProblem(messageOf(error));
    } catch {
      setProblem(strings.unreachable);
    } finally {
      setIsBusy(false);
    }
  }

  return (
    <main className="center">
      <form className="card login" onSubmit={(event) => void signIn(event)}>
        <header>
          <img src="./favicon.svg" alt="" width={40} height={40} />
          <h1>{strings.product}</h1>
          <p className="quiet">{strings.tagline}</p>
        </header>
        <label>
          {strings.userName}
          <input name="username" autoComplete="username" autoFocus required />
        </label>
        <label>
          {strings.password}
          <input name="password" type="password" autoComplete="current-password" required />
        </label>
        {problem && (
          <p className="problem" role="alert">
            {problem}
          </p>
        )}
        <button className="primary" disabled={isBusy}>
          {isBusy ? strings.signingIn : strings.signIn}
        </button>
      </form>
    </main>
  );
}
