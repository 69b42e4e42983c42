/// <reference types="vite/client" />
declare module 'exifr/dist/mini.esm.mjs' {
  // The mini build reads TIFF blocks of JPEG and HEIC only; its answer is plain EXIF tags.
  export function gps(input: Blob): Promise<{ latitude: number; longitude: number } | undefined>
  export function parse(input: Blob, options: string[] | Record<string, unknown>): Promise<Record<string, unknown> | undefined>
}
