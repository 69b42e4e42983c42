-- +goose Up
-- Photos: a hash that finds the same scene again, what became of the blobs, copies for everybody.
alter table media add column likeness bigint, add column original_gone_at timestamptz, add column gone_at timestamptz;
create index media_original on media (created_at) where original_gone_at is null;
create index media_young on media (created_at) where gone_at is null;

-- The public copy of a photo: its regions covered by a person who approved it. id is the name of the blob and of the address;
-- nothing leads from it to the case. A copy is never edited: another one takes its place.
create table public_photo (
  district text not null, id text not null, case_id uuid not null, media_id text not null, stage text not null check (stage in ('BEFORE','AFTER')), regions int not null,
  made_by uuid not null, made_at timestamptz not null default yx_now(), withdrawn_by uuid, withdrawn_at timestamptz,
  primary key (district, id),
  foreign key (district, case_id) references cases (district, id),
  foreign key (district, media_id) references media (district, id)
);
create unique index public_photo_one on public_photo (district, media_id) where withdrawn_at is null;
create index public_photo_case on public_photo (district, case_id);
alter table public_photo enable row level security;
alter table public_photo force row level security;
create policy app on public_photo to yixian_app using (district = current_setting('app.district', true)) with check (district = current_setting('app.district', true));
create policy engine on public_photo to yixian_engine using (true) with check (true);
grant select, insert, update, delete on public_photo to yixian_app, yixian_engine;

-- +goose Down
select 1/0;
