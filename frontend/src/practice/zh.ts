/** Words of the guided first task. */
export default {
  title: '第一次任务', intro: '用一件练习案件走一遍：签收、呼叫、看部门到场、看结果、评价。其他人由系统扮演，约 3 分钟。', start: '开始练习', starting: '正在准备…', again: '再练一次', later: '以后再说', resume: '继续练习', fold: '收起', unfold: '展开', step: '第 {n} 步，共 {all} 步', allDone: '练习完成',
  goCase: '打开练习案件', doneMark: '已完成', nowMark: '现在做', todoMark: '之后',
  'step.sign': '签收', 'step.call': '发起呼叫', 'step.arrive': '看部门到场', 'step.result': '看会商和结果', 'step.rate': '评价部门',
  'how.sign': '打开案件，点“签收”。5 个工作日的办理时限从派给您时就开始了。', 'how.call': '点“一线呼叫”，级别选 {level}，主责单位选 {target}，理由选“无能力”。经办可发起一级呼叫，二级由街道领导（sl1）发起。', 'how.arrive': '部门收到呼叫后先应答，再到现场报到。点下面的按钮，看倒计时变成“已报到”。部门报到后由它主办，街道转为属地协调。', 'how.result': '主办部门记录会商、上报结果，再由社区核查。每点一次走一步，在案件的办理过程里能看到每一步的存证。', 'how.rate': '案件已结案。请对 {target} 打分：案件页点“评价部门”。', 'how.done': '您已走完一件案件的全过程。真实案件也是这样办，只是其他人不再由系统扮演。',
  play: '请对方行动', playing: '对方正在行动…', 'played.ack': '{unit} 已应答', 'played.check_in': '{unit} 已到现场报到', 'played.consult': '{unit} 已记录会商', 'played.resolve': '{unit} 已上报结果', 'played.check_pass': '{unit} 核查通过，案件结案',
  wrong: '哪里不对', 'bad.gone': '看不到练习案件：它不在当前账号的街道，或练习环境已重置。请用开始练习的账号登录，或再练一次。', 'bad.returned': '案件已被退单。练习不走这条路，请再练一次。', 'bad.withdrawn': '呼叫已撤回，部门不会来了。请重新发起呼叫。', 'bad.left': '案件已变为“{state}”，离开了练习步骤。请再练一次。', 'bad.overdue': '有一项时限已经超时。练习可以继续，真实案件会逐级提醒领导。',
  'err.LEVEL_TOO_LOW': '级别太低：这件事的规则要求更高级别的呼叫，请由街道领导（sl1）或书记（ss1）发起。', 'err.LEVEL_TOO_HIGH': '级别太高：经办只能发起一级呼叫。请改选一级，或换街道领导登录。', 'err.NOT_YOURS': '这一步不归当前账号：请用街道账号操作。', 'err.STALE': '案件刚被别人更新过，页面已刷新，请核对后再点一次。', 'err.INVALID': '表单没有填全：{message}', 'err.WRONG_STATE': '案件现在的状态不能这样做：请按上面的步骤来。', 'err.other': '没有成功：{message}',
} as const
