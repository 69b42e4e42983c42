import { comma } from '@/shared/i18n'
import type { Tone } from '@/ui/StatusTag.vue'
import { t } from '../../i18n/office'
import type { Incident } from './incident'

export function placeOf(i: Incident): string {
  return [...i.area_names, i.polygon?.length ? t('incDrawn') : ''].filter(Boolean).join(comma())
}

export function toneOf(i: Incident): Tone {
  if (i.state === 'ENDED') return 'grey'
  return i.state === 'DECLARED' ? 'amber' : i.drill ? 'blue' : 'red'
}
