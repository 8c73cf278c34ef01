import HAL
import Model

extension StoredRegistry: CountStore {
  package func keep(_ pulses: [DeviceID: UInt64]) {
    // If too many changes wait for the disk, which is reported, the next minute's number replaces this one.
    try? keep(pulses.map { .count($0.key, $0.value) })
  }
}
