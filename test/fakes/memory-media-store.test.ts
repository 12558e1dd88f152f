import { describeMediaStore } from '../contract/media-store.contract.ts'
import { MemoryMediaStore } from './memory-media-store.ts'

describeMediaStore('memory', async () => ({ store: new MemoryMediaStore(), close: async () => {} }))
