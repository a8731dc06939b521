// The names around certificates, for whoever deals with keys: they are of the algorithms' layer, where configurations need them too.
export { certificateTypeOf, isCertificateType, plainTypeOf, withCertificates } from '../algorithms/certificate-names.ts'
