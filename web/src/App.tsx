import { useEffect, useState } from "react";

import { api, type User } from "./api/client";
import { LoginPage } from "./features/login/LoginPage";
import { TasksPage } from "./features/tasks/TasksPage";
import { strings } from "./strings";

type Session = { kind: "unknown" } | { kind: "unreachable" } | { kind: "nobody" } | { kind: "user"; user: User };

/** Shows the sign-in page or, for somebody who is signed in, his tasks. */
export function App() {
  const [session, setSession] = useState<Session>({ kind: "unknown" });

  async function look() {
    try {
      const { data } = await api.GET("/api/users/self");
      setSession(data ? { kind: "user", user: data } : { kind: "nobody" });
    } catch {
      setSession({ kind: "unreachable" });
    }
  }

  useEffect(() => {
    void look();
  }, []);

  async function leave() {
    await api.POST("/api/auth/logout").catch(() => undefined);
    setSession({ kind: "nobody" });
  }

  switch (session.kind) {
    case "unknown":
      return <main className="center" aria-busy="true" aria-label={strings.loading} />;
    case "unreachable":
      return (
        <main className="center">
          <div className="notice" role="alert">
            <p>{strings.unreachable}</p>
            <button className="primary" onClick={() => void look()}>
              {strings.retry}
            </button>
          </div>
        </main>
      );
    case "nobody":
      return <LoginPage onSignedIn={() => void look()} />;
    case "user":
      return <TasksPage user={session.user} onLeave={() => void leave()} onExpired={() => setSession({ kind: "nobody" })} />;
  }
}
