-- +goose Up
-- What dispatchers taught the suggestion of the matter: pairs of Chinese characters of cases that were filed under another
-- matter than the suggested one. n counts up for the matter that was chosen and down for the one put aside. No row knows
-- its case or its reporter.
create table suggest_count (
  district text not null, term text not null check (char_length(term) = 2), item text not null, n int not null,
  primary key (district, term, item)
);
alter table suggest_count enable row level security;
alter table suggest_count force row level security;
create policy app on suggest_count to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on suggest_count to yixian_engine using (true) with check (true);
grant select, insert, update, delete on suggest_count to yixian_app, yixian_engine;

-- +goose Down
select 1/0;
