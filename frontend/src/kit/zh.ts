export default {
  title: '组件一览', colours: '颜色', buttons: '按钮', notices: '提示', wrong: '请输入 11 位手机号', label: '手机号', hint: '只用于告知办理结果', note: '街道已呼叫城管局，预计今天 12:00 前办结',
  street: '东街街道', alarm: '防汛应急', blue: '处理中', green: '已办结', amber: '将到期', red: '已超时', grey: '已归档', ring: '到场', step1: '已收到', step2: '街道已呼叫城管局', step3: '处置中', step4: '请您评价', qr: '查进度的二维码', nothing: '今天没有待办', undo: '撤销',
} as const
