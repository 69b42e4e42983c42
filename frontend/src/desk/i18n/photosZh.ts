/** Words about the photos that everybody may see. */
export default {
  title: '对外公开的照片', text: '结案后进入公示的案件，公开遮盖过的副本；原图始终不公开。', beforeN: '处置前 {n}', afterN: '处置后 {n}', isPublic: '已公开，遮盖 {n} 处', notPublic: '未公开',
  letOut: '遮盖并公开…', coverAnew: '重新遮盖…', takeBack: '撤回', takeSure: '确认撤回', withdrawn: '已撤回，对外地址立即失效', published: '已公开遮盖后的副本',
  coverTitle: '公开前遮盖：{name}', coverText: '按住鼠标在照片上框出人脸、车牌、门牌和其他能认出人的内容。', coverKeys: '键盘：选中一处遮盖后，方向键移动，Shift + 方向键调整大小，Delete 删除；双击也可删除。', coverAdd: '＋ 添加遮盖', coverUndo: '删除最后一处', coveredN: '已遮盖 {n} 处', regionN: '遮盖 {n}',
  coverAgain: '这张照片已有公开副本，公开后由新的副本代替。', looked: '我已逐处看过，照片里没有能认出人的内容未遮盖', errLooked: '请看完整张照片后勾选确认', publish: '公开', cancel: '取消',
} as const
