/** Words of the strip that stands above everything while an emergency or a drill is in force. */
export default {
  alarmReal: '应急状态',
  alarmDrill: '【演练】进行中',
  alarmMore: '另有 {n} 起',
  alarmUnconfirmed: '待确认',
} as const
