/** Words of the codes of older standards. */
export default {
  title: '编码对照', back: '责任清单', text: '其他系统仍在使用的旧标准编码，对应到现行责任清单的哪个事项。报送时带上标准号即可识别。', standard: '原标准', oldCode: '原编码', matter: '现行事项', set: '保存', remove: '删除', removeSure: '确认删除', none: '还没有编码对照', noneText: '添加一条，或从表格中粘贴',
  pasteMany: '从表格粘贴…', rows: '每行：原标准、原编码、现编码', rowsHint: '从电子表格复制三列粘贴到这里，或用逗号分隔；已有的对照会被替换。有一行不对，整批不保存', done: '已保存 {set} 条，删除 {removed} 条', wrongLines: '第 {lines} 行不是“原标准、原编码、5 位现编码”', noLines: '没有可保存的内容', tooMany: '一次最多 {n} 条，请分批粘贴',
} as const
