-- +goose Up
-- Lists over what is alive: a few hundredths of all cases (dispatch.atWork is the same predicate, to the letter).
create index cases_live on cases (district, coalesce(due_at, 'infinity'), id) where state not in ('ARCHIVED','REJECTED','MERGED','VOIDED');
create index case_party_open on case_party (district, unit) where open;
create index case_request_pending on case_request (district, unit) where state = 'PENDING';

-- +goose Down
select 1/0;
