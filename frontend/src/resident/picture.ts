/** Markup as a picture of itself: nothing in it is named, focused, filled in, sent or read. */
export function picture(html: string): string {
  return html
    .replace(/<!--.*?-->/g, '')
    .replace(/<main\b/g, '<div').replace(/<\/main>/g, '</div>') // the one main of the page is the program's
    .replace(/<input[^>]*type="file"[^>]*>/g, '')
    .replace(/ style=""/g, '') // the page's own policy refuses style attributes
    .replace(/ (?:id|for|name|href|aria-[a-z]+|role|tabindex)="[^"]*"/g, '')
    .replace(/<(input|textarea)\b/g, '<$1 readonly')
    .replace(/<(button|input|textarea)\b/g, '<$1 tabindex="-1"')
}
