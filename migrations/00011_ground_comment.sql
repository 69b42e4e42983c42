-- +goose Up
comment on column area.ground is 'TWKB with seven decimals; WKB in rows that were there before it: Polygon or MultiPolygon in WGS-84. The program reads both.';

-- +goose Down
select 1/0;
