import { describeS3MediaStore } from '../../../test/contract/s3-media-store.contract.ts'
import { SwiftServer } from '../../../test/support/swift.ts'

describeS3MediaStore('Swift', () => SwiftServer.start())
