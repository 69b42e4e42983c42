-- +goose Up
-- Deliveries: what a message really says when its stored text hides a secret, and whether it was handed to its channel.
alter table message
  add column text_enc bytea,                          -- the text as it goes out, sealed, when `text` hides a code or a link; gone once sent
  add column queued boolean not null default false,   -- a River job exists (or, in the inbox, the row is visible)
  add column provider_ref text not null default '';   -- the provider's own id of the delivery

-- The inbox shows what is due, in the order of its own instants; unread is a bounded count over its own index.
drop index message_inbox;
create index message_inbox on message (district, account_id, due_at desc, id desc) where channel = 'APP' and state = 'SENT';
create index message_unread on message (district, account_id) where channel = 'APP' and state = 'SENT' and read_at is null;
create index message_release on message (due_at) where state = 'PENDING' and not queued;
create index message_case on message (district, case_id) where case_id is not null;

-- +goose Down
select 1/0;
