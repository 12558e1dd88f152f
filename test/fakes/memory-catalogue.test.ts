import { describeCatalogue } from '../contract/catalogue.contract.ts'
import { MemoryCatalogue } from './memory-catalogue.ts'

describeCatalogue('memory', async () => new MemoryCatalogue())
