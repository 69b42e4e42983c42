/** Words of the rewards that residents take for points, and of handing them over. */
export default {
  rewardsList: '兑换项', rewardName: '名称', rewardNameEN: '英文名称', rewardNameENHint: '居民用英文界面时显示；不填则显示中文', rewardPlace: '领取地点', rewardCost: '所需积分', rewardStock: '库存', rewardStockHint: '现在实有的份数；居民兑换后自动减少', rewardState: '状态', rewardActive: '供居民兑换', offered: '可兑换', notOffered: '已下架', rewardsNone: '还没有可兑换的东西', rewardsNoneText: '添加后，居民在“我的积分”里可以看到', rewardGone: '没有这一项', rewardGoneText: '列表已刷新，请从列表中重新选择',
  errName: '请填写名称', errCost: '所需积分应为 1–100000 的整数', errStock: '库存应为 0–1000000 的整数',
  rewardStale: '您打开后，这一项被改动或兑换过，没有保存。已为您重新读取：现在库存 {stock}，第 {version} 版。您改过的内容还在，请核对后再保存。',
  handNote: '居民出示兑换码时，在这里输入或扫码，核销后把东西交给他。一个码只能用一次。', handCode: '兑换码', handHint: '8 位字母和数字，空格和短横可以不输', handGo: '核销', errCode: '兑换码是 8 位字母和数字，请核对', handOk: '已核销，请交给对方', handWhat: '东西', handPlace: '领取地点', handCost: '积分', handAt: '核销时间', handNone: '没有这个兑换码，请与居民核对',
  'state.HANDED': '已经领取', 'state.CANCELLED': '居民已取消', 'state.EXPIRED': '已过期，积分退回', 'state.OPEN': '已过有效期', handMaybe: '上一次提交时网络中断，很可能就是那一次核销的，请与居民核对是否已经交付。',
} as const
