import type zh from './pointsZh'

const en: Record<keyof typeof zh, string> = {
  rewardsList: 'Rewards', rewardName: 'Name', rewardNameEN: 'English name', rewardNameENHint: 'For residents who read English; without one they see the Chinese name', rewardPlace: 'Where it is fetched', rewardCost: 'Points', rewardStock: 'In stock', rewardStockHint: 'How many there really are now; each one taken lowers it', rewardState: 'State', rewardActive: 'Offered to residents', offered: 'Offered', notOffered: 'Not offered', rewardsNone: 'Nothing is offered yet', rewardsNoneText: 'What you add here, residents see under “My points”', rewardGone: 'There is no such entry', rewardGoneText: 'The list was renewed; please choose from it again',
  errName: 'Enter the name', errCost: 'Points must be a whole number from 1 to 100000', errStock: 'The stock must be a whole number from 0 to 1000000',
  rewardStale: 'After you opened it, this was changed or taken by a resident; nothing was saved. It was read again: {stock} in stock now, version {version}. What you changed is still here: check it and save again.',
  handNote: 'When a resident shows a code, type or scan it here, then hand the thing over. A code works once.', handCode: 'Code', handHint: '8 letters and digits; blanks and dashes may be left out', handGo: 'Hand over', errCode: 'A code has 8 letters and digits: please check it', handOk: 'Noted: hand it over now', handWhat: 'What', handPlace: 'Where', handCost: 'Points', handAt: 'Noted at', handNone: 'There is no such code: please check it with the resident',
  'state.HANDED': 'already handed over', 'state.CANCELLED': 'given back by the resident', 'state.EXPIRED': 'expired, the points went back', 'state.OPEN': 'its time is over', handMaybe: 'The network failed when you sent it before; that was probably the one that counted. Check with the resident whether it was handed over.',
}
export default en
