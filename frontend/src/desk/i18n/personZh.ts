/** Words of the field in which a duty is given to a person. */
export default {
  nobody: '本单位没有可指派的人员，请管理员添加账号', hasIt: '现经办人', onDuty: '值班', dutyUntil: '值班到 {time}', offDuty: '未值班', duties: '在办 {n} 件', calls: '待报到 {n}', next: '最近到期 {time}',
} as const
