import type zh from './zh'

const en: Record<keyof typeof zh, string> = {
  title: 'The kit', colours: 'Colours', buttons: 'Buttons', notices: 'Notices', wrong: 'Enter a mobile number of 11 digits', label: 'Mobile number', hint: 'Only to tell you the result', note: 'The street has called the city management; expected by 12:00 today',
  street: 'Dongjie street', alarm: 'Flood control', blue: 'In progress', green: 'Closed', amber: 'Due soon', red: 'Overdue', grey: 'Archived', ring: 'Arrival', step1: 'Received', step2: 'The street has called', step3: 'In progress', step4: 'Please rate', qr: 'QR code of the progress page', nothing: 'Nothing to do today', undo: 'Undo',
}
export default en
