-- +goose Up
-- Partners: other cities' apps and systems that come in by an API key (domain 4f). A key is a session that does not end by
-- itself: switching the account off, or revoking the session, ends it at once on all nodes.
alter table account drop constraint account_kind_check, add constraint account_kind_check check (kind in ('RESIDENT','STAFF','SYSTEM','PARTNER'));
alter table session drop constraint session_kind_check, add constraint session_kind_check check (kind in ('GUEST','RESIDENT','STAFF','PARTNER'));

-- +goose Down
select 1/0;
