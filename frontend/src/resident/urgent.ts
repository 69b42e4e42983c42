// Words that mean somebody should ring the emergency numbers now. The strip only informs, it never blocks.
const WORDS = /着火|起火|失火|火灾|冒烟|触电|漏电|煤气|燃气泄漏|爆炸|受伤|流血|昏迷|晕倒|溺水|落水|坍塌|倒塌|被困|持刀|打架|斗殴|fire|smoke|electric shock|gas leak|explosion|bleeding|injured|drowning|collapsed|trapped/i

export function isUrgent(text: string): boolean {
  return WORDS.test(text)
}
