/** Words of forms and positions, which the first page does not need at once. */
export default {
  need: '请填写{label}',
  needPhoto: '请至少拍一张照片',
  needPoint: '请先定位',
  needInt: '{label}应为数字',
  badBudget: '{label}应为大于 0 的整数',
  needTasks: '每项任务都要写明单位、内容和时限',
  stale: '案件刚被他人更新，已载入最新内容，请核对后再提交',
  staleGone: '案件刚被他人更新，这一步已不需要做了',
  blockedBefore: '此案件前一条操作还没提交成功，请先处理它',
  posDenied: '没有定位权限，请在浏览器设置里允许定位',
  posInsecure: '当前网址不支持定位（需要 https）',
  posUnavailable: '没能定位，请到空旷处重试',
  inside: '在 300 米内，可以签到',
  tooFar: '超出 300 米。请走近约定地点，或扫街道出示的二维码',
  poorAccuracy: '定位误差超过 500 米。请到空旷处重试，或扫街道出示的二维码',
} as const
