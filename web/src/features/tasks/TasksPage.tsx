import { useCallback, useEffect, useState } from "react";

import { api, messageOf, type Task, type User } from "../../api/client";
import { strings } from "../../strings";

const PAGE_SIZE = 20;
const date = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });

type Listing =
  | { kind: "loading" }
  | { kind: "failed"; message: string }
  | { kind: "ready"; tasks: Task[]; count: number };

/** The list of tasks the user may see, newest first. */
export function TasksPage({ user, onLeave, onExpired }: { user: User; onLeave: () => void; onExpired: () => void }) {
  const [page, setPage] = useState(1);
  const [listing, setListing] = useState<Listing>({ kind: "loading" });

  const load = useCallback(async () => {
    setListing({ kind: "loading" });
    try {
      const { data, error, response } = await api.GET("/api/tasks", {
        params: { query: { page, page_size: String(PAGE_SIZE) } },
      });
      if (response.status === 401) onExpired();
      else if (data) setListing({ kind: "ready", tasks: data.results, count: data.count });
      else setListing({ kind: "failed", message: messageOf(error) });
    } catch {
      setListing({ kind: "failed", message: strings.unreachable });
    }
    // onExpired only changes the page as a whole; loading again for it would be waste.
  }, [page]);

  useEffect(() => {
    void load();
  }, [load]);

  return (
    <>
      <header className="bar">
        <a className="brand" href="./">
          <img src="./favicon.svg" alt="" width={24} height={24} />
          {strings.product}
        </a>
        <span className="spacer" />
        <span className="quiet">{user.username}</span>
        <button onClick={onLeave}>{strings.signOut}</button>
      </header>
      <main className="page">
        <h1>{strings.tasks}</h1>
        <TaskList listing={listing} onRetry={() => void load()} />
        {listing.kind === "ready" && listing.count > PAGE_SIZE && (
          <Pager page={page} pages={Math.ceil(listing.count / PAGE_SIZE)} onPage={setPage} />
        )}
      </main>
    </>
  );
}

function TaskList({ listing, onRetry }: { listing: Listing; onRetry: () => void }) {
  if (listing.kind === "loading") return <p className="quiet">{strings.loading}</p>;
  if (listing.kind === "failed") {
    return (
      <div className="notice" role="alert">
        <p>{listing.message}</p>
        <button onClick={onRetry}>{strings.retry}</button>
      </div>
    );
  }
  if (listing.tasks.length === 0) {
    return (
      <div className="notice">
        <h2>{strings.noTasksTitle}</h2>
        <p>{strings.noTasksText}</p>
        <pre>{strings.noTasksCommand}</pre>
      </div>
    );
  }
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">#</th>
          <th scope="col">{strings.name}</th>
          <th scope="col" className="number">
            {strings.size}
          </th>
          <th scope="col">{strings.jobs}</th>
          <th scope="col">{strings.status}</th>
          <th scope="col">{strings.owner}</th>
          <th scope="col">{strings.updated}</th>
        </tr>
      </thead>
      <tbody>
        {listing.tasks.map((task) => (
          <tr key={task.id}>
            <td className="quiet">{task.id}</td>
            <td className="name">{task.name}</td>
            <td className="number">{task.size.toLocaleString()}</td>
            <td>{strings.jobsDone(task.jobs.completed ?? 0, task.jobs.count)}</td>
            <td>
              <span className={`status ${task.status}`}>{task.status}</span>
            </td>
            <td>{task.owner?.username}</td>
            <td>
              <time dateTime={task.updated_date}>{date.format(new Date(task.updated_date))}</time>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Pager({ page, pages, onPage }: { page: number; pages: number; onPage: (page: number) => void }) {
  return (
    <nav className="pager" aria-label={strings.tasks}>
      <button disabled={page <= 1} onClick={() => onPage(page - 1)}>
        {strings.previous}
      </button>
      <span>{strings.page(page, pages)}</span>
      <button disabled={page >= pages} onClick={() => onPage(page + 1)}>
        {strings.next}
      </button>
    </nav>
  );
}
