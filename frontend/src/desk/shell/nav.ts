// The entries of the navigation, and who sees them: what the server would refuse is not offered.
export type NavName = 'queue' | 'ledger' | 'calls' | 'unit' | 'inbox' | 'cockpit' | 'metrics' | 'assessment' | 'incidents' | 'cards' | 'systemic' | 'visits' | 'points' | 'notices' | 'admin'

export interface NavItem {
  nav: NavName
  title: 'navQueue' | 'navLedger' | 'navCalls' | 'navUnit' | 'navInbox' | 'navCockpit' | 'navMetrics' | 'navAssessment' | 'navIncidents' | 'navCards' | 'navSystemic' | 'navVisits' | 'navPoints' | 'navNotices' | 'navAdmin'
  /** One permission, or several of which one is enough. "own.unit": who belongs to a unit and works on cases. */
  permission: string | string[]
  icon: string
}

export const NAV: NavItem[] = [
  { nav: 'queue', title: 'navQueue', permission: 'case.read', icon: 'M4 5h16M4 12h10M4 19h7M17 13v7m0 0-3-3m3 3 3-3' },
  { nav: 'ledger', title: 'navLedger', permission: 'case.read', icon: 'M5 3h10l4 4v14H5zM14 3v5h5M9 13h6M9 17h6' },
  { nav: 'calls', title: 'navCalls', permission: 'case.read', icon: 'M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a1 1 0 0 1-1 1A15 15 0 0 1 4 5a1 1 0 0 1 1-1z' },
  { nav: 'unit', title: 'navUnit', permission: 'own.unit', icon: 'M4 21V9l8-5 8 5v12M9 21v-6h6v6M9 11h.1M15 11h.1' },
  { nav: 'inbox', title: 'navInbox', permission: 'session', icon: 'M4 5h16v14H4zm0 9h5l1.5 2.5h3L15 14h5' },
  { nav: 'cockpit', title: 'navCockpit', permission: 'metrics.read', icon: 'M12 21a9 9 0 1 1 9-9M12 12l4-4M12 7v.1M7 12h.1M17 17h4m-2-2v4' },
  { nav: 'metrics', title: 'navMetrics', permission: 'metrics.read', icon: 'M4 20V10m5 10V4m6 16v-8m5 8V7' },
  { nav: 'assessment', title: 'navAssessment', permission: 'assessment.read', icon: 'M6 3h12v18H6zM9 8h6M9 12h6M9 16h3' },
  { nav: 'incidents', title: 'navIncidents', permission: 'staff', icon: 'M12 3 2 20h20zM12 10v4.5M12 17.4v.1' },
  { nav: 'cards', title: 'navCards', permission: 'card.read', icon: 'M7 3h10a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H7a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM12 8v5M12 16.4v.1' },
  { nav: 'systemic', title: 'navSystemic', permission: 'card.read', icon: 'M4 12a8 8 0 0 1 14-5.3M20 4v4h-4M20 12a8 8 0 0 1-14 5.3M4 20v-4h4' },
  { nav: 'visits', title: 'navVisits', permission: 'visit.read', icon: 'M4 11 12 4l8 7v9H4zM12 17.5l-2.6-2.6a1.7 1.7 0 0 1 2.6-2.2 1.7 1.7 0 0 1 2.6 2.2z' },
  { nav: 'points', title: 'navPoints', permission: 'points.hand_over', icon: 'M4 9h16v4H4zM6 13v7h12v-7M12 9v11M12 9c-2 0-5-1-5-3.2 0-2.6 4-2.2 5 3.2 1-5.4 5-5.8 5-3.2C17 8 14 9 12 9z' },
  { nav: 'notices', title: 'navNotices', permission: 'notice.publish', icon: 'M4 10v4h3l8 4V6l-8 4zM18 9a4 4 0 0 1 0 6M8 14l1 5' },
  { nav: 'admin', title: 'navAdmin', permission: ['admin', 'audit.read', 'catalog.agree'], icon: 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3m0 12v3M3 12h3m12 0h3M5.6 5.6l2.1 2.1m8.6 8.6 2.1 2.1m0-12.8-2.1 2.1m-8.6 8.6-2.1 2.1' },
]

type May = (permission: string) => boolean

export function offered(item: NavItem, may: May): boolean {
  return [item.permission].flat().some(may)
}

export function navFor(may: May): NavItem[] {
  return NAV.filter((n) => offered(n, may))
}

/** Where a person begins: who configures the district at the administration, everybody else at the first page that is theirs. */
export function homeFor(may: May): NavName {
  return may('admin') ? 'admin' : (navFor(may)[0]?.nav ?? 'inbox')
}
