"""Tables of the local bus, and statements that more than one module needs."""

CHANNEL = "limner_bus"
PUBLISH_LOCK = 0x6C696D6E65720001

#: Run at every start: creates what is missing and brings tables of earlier releases up to date.
SCHEMA = """
CREATE SCHEMA IF NOT EXISTS bus;
CREATE TABLE IF NOT EXISTS bus.messages (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    published_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS ix_messages_topic_seq ON bus.messages (topic, seq);
CREATE TABLE IF NOT EXISTS bus.positions (
    consumer_group text NOT NULL,
    topic text NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (consumer_group, topic)
);
CREATE TABLE IF NOT EXISTS bus.retries (
    consumer_group text NOT NULL,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    attempt integer NOT NULL,
    due_at timestamptz NOT NULL,
    PRIMARY KEY (consumer_group, event_id)
);
CREATE INDEX IF NOT EXISTS ix_retries_group_due_at ON bus.retries (consumer_group, due_at);
CREATE TABLE IF NOT EXISTS bus.dead_letters (
    consumer_group text NOT NULL,
    event_id uuid NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    reason text NOT NULL,
    dead_at timestamptz NOT NULL DEFAULT now(),
    attempts integer NOT NULL DEFAULT 1
);
DO $$
BEGIN
    IF EXISTS (SELECT FROM information_schema.columns
               WHERE table_schema = 'bus' AND table_name = 'dead_letters' AND column_name = 'seq') THEN
        ALTER TABLE bus.dead_letters DROP COLUMN seq, ADD COLUMN attempts integer NOT NULL DEFAULT 1;
        DELETE FROM bus.dead_letters d USING bus.dead_letters e
            WHERE d.consumer_group = e.consumer_group AND d.event_id = e.event_id AND d.ctid < e.ctid;
    END IF;
END $$;
CREATE UNIQUE INDEX IF NOT EXISTS uq_dead_letters_group_event_id ON bus.dead_letters (consumer_group, event_id);
"""

COMMIT = (
    "INSERT INTO bus.positions (consumer_group, topic, seq) VALUES ($1,$2,$3)"
    " ON CONFLICT (consumer_group, topic) DO UPDATE SET seq = excluded.seq"
)
FORGET_RETRY = "DELETE FROM bus.retries WHERE consumer_group = $1 AND event_id = $2"
RETRY = (
    "INSERT INTO bus.retries (consumer_group, event_id, topic, key, payload, headers, attempt, due_at)"
    " VALUES ($1,$2,$3,$4,$5,$6,$7, now() + make_interval(secs => $8)) ON CONFLICT (consumer_group, event_id)"
    " DO UPDATE SET attempt = excluded.attempt, due_at = excluded.due_at"
)
BURY = (
    "INSERT INTO bus.dead_letters (consumer_group, event_id, topic, key, payload, headers, reason, attempts)"
    " VALUES ($1,$2,$3,$4,$5,$6,$7,$8) ON CONFLICT (consumer_group, event_id)"
    " DO UPDATE SET reason = excluded.reason, attempts = excluded.attempts, dead_at = now()"
)
NOTIFY = f"NOTIFY {CHANNEL}"
LAGS = """
SELECT g.consumer_group, g.topic,
       (SELECT count(*) FROM (SELECT 1 FROM bus.messages m
                              WHERE m.topic = g.topic AND m.seq > coalesce(p.seq, 0) LIMIT $3) AS counted) AS behind
FROM unnest($1::text[], $2::text[]) AS g(consumer_group, topic)
LEFT JOIN bus.positions p ON p.consumer_group = g.consumer_group AND p.topic = g.topic
"""
