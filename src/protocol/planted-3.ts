import { planted } from '../domain/uuid.ts'
export const use = planted
