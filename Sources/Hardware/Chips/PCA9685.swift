import HAL
import Model

/// NXP PCA9685 16-channel PWM controller: data sheet revision 4, "Mode register 1", "Mode register 2", "LED output and
/// PWM control" (full ON and full OFF) and "PWM frequency PRE_SCALE".
struct PCA9685: OutputChipDriver {
  static let output = ChipOutput(
    "pca9685", "a channel of an NXP PCA9685", addresses: 0x40...0x7F, address: 0x40, channels: 0...15,
    shared: (option: "frequency", range: 24...1526, defaultValue: 200, unit: "Hz")
  ) { PCA9685(address: $0, frequency: $1) }

  let address: UInt8
  /// The PWM frequency of all channels, in Hz.
  let frequency: Int
  /// The latest level of each channel, to restore after a power loss.
  private var levels: [Int: Double] = [:]
  private var isKnown = false

  init(address: UInt8, frequency: Int) {
    self.address = address
    self.frequency = frequency
  }

  /// MODE1: auto-increment (AI), awake, no all-call address.
  private static let awake: UInt8 = 0x20
  private static let asleep: UInt8 = 0x30
  /// MODE2 after power-on: totem pole (OUTDRV), not inverted, outputs change on STOP.
  private static let totemPole: UInt8 = 0x04

  /// 25 MHz / (4096 × frequency), rounded, minus 1; from 3 to 255.
  var prescale: UInt8 { UInt8(clamping: max(3, Int((25e6 / (4096 * Double(frequency))).rounded()) - 1)) }

  mutating func set(
    _ channel: Int, _ level: Double, _ bus: inout some I2CTransport
  ) throws(HALError.Fault) -> Bool {
    levels[channel] = level
    // MODE1 and MODE2, to see whether the chip has kept its configuration. RESTART (bit 7 of MODE1) reads 1 after
    // sleep.
    let modes = try bus.read(address, 0x00, 2)
    var isReady = modes[0] & 0x7F == Self.awake && modes[1] == Self.totemPole
    if isReady && !isKnown {
      // Configured by an earlier run, maybe with another frequency. With the same one its outputs run on undisturbed.
      isReady = try bus.read(address, 0xFE, 1)[0] == prescale
    }
    let wasReset = isKnown && !isReady
    isKnown = isReady
    if !isReady {
      try configure(&bus)
      for (channel, level) in levels.sorted(by: { $0.key < $1.key }) { try write(channel, level, &bus) }
      isKnown = true
    } else {
      try write(channel, level, &bus)
    }
    return wasReset
  }

  private func configure(_ bus: inout some I2CTransport) throws(HALError.Fault) {
    // The prescaler can be written only while the oscillator sleeps.
    try bus.write(address, [0x00, Self.asleep])
    try bus.write(address, [0xFE, prescale])
    try bus.write(address, [0x01, Self.totemPole])
    try bus.write(address, [0x00, Self.awake])
    // The oscillator needs 500 µs to start.
    bus.pause(.milliseconds(1))
  }

  private func write(_ channel: Int, _ level: Double, _ bus: inout some I2CTransport) throws(HALError.Fault) {
    try bus.write(address, transfer(channel, level))
  }

  /// The channel's first register, followed by the values of its four registers.
  func transfer(_ channel: Int, _ level: Double) -> [UInt8] {
    [UInt8(0x06 + 4 * channel)] + Self.registers(level)
  }

  /// LEDn_ON_L, LEDn_ON_H, LEDn_OFF_L, LEDn_OFF_H: bit 4 of the second is full ON, of the fourth full OFF.
  static func registers(_ level: Double) -> [UInt8] {
    let count = Int((min(max(level, 0), 1) * 4096).rounded())
    if count <= 0 { return [0, 0, 0, 0x10] }
    if count >= 4096 { return [0, 0x10, 0, 0] }
    return [0, 0, UInt8(count & 0xFF), UInt8(count >> 8)]
  }
}
