/**
 * The one form of a code as people type, scan or read it out: full-width letters made narrow, upper case, no blanks or
 * dashes, O as 0, I and L as 1. undefined when it cannot be a code (8 characters of Crockford's base 32).
 */
export function codeOf(typed: string): string | undefined {
  const code = typed.normalize('NFKC').toUpperCase().replace(/[\s\p{Pd}\u2212]/gu, '').replace(/O/g, '0').replace(/[IL]/g, '1')
  return /^[0-9A-HJKMNP-TV-Z]{8}$/.test(code) ? code : undefined
}
