// Owns vendor-id: whose program it is (draft-ietf-secsh-filexfer-13 §4.4). A client may tell too; it changes nothing.
import { encode, type Infer, prose, struct, uint64 } from '../../wire/codec.ts'
import { asStatus, type ExtensionRow } from './row.ts'

const vendor = struct({ vendor: prose, product: prose, version: prose, build: uint64 })

export const vendorId: ExtensionRow<'vendor-id', Infer<typeof vendor>, void> = {
  name: 'vendor-id',
  about: 'whose program it is',
  announced: () => encode(vendor, { vendor: 'nacre', product: 'nacre', version: '0.1', build: 0n }),
  request: vendor,
  answer: asStatus,
  changes: false,
  serve: () => {},
}
