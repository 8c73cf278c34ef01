import HAL

/// NXP PCA9685 16-channel PWM controller: data sheet revision 4, "Mode register 1", "LED output and PWM control" (full
/// ON and full OFF) and "PWM frequency PRE_SCALE".
struct PCA9685: Sendable {
  let address: UInt8
  /// Of all channels, in Hz.
  let frequency: Int
  /// What each channel was last told: a chip that lost its power is told again.
  private var levels: [Int: Double] = [:]
  private var isKnown = false

  init(address: UInt8, frequency: Int) {
    self.address = address
    self.frequency = frequency
  }

  /// MODE1: registers count up by themselves (AI), awake, no all-call address.
  private static let awake: UInt8 = 0x20
  private static let asleep: UInt8 = 0x30

  /// 25 MHz / (4096 × frequency), rounded, minus 1; from 3 to 255.
  var prescale: UInt8 { UInt8(clamping: max(3, Int((25e6 / (4096 * Double(frequency))).rounded()) - 1)) }

  /// Drives a channel to a level from 0 to 1.
  mutating func set(_ channel: Int, _ level: Double, _ bus: inout some I2CTransport) throws(HALError.Fault) {
    levels[channel] = level
    // RESTART (bit 7) reads 1 after sleep; the rest says whether the chip is as we left it.
    var isReady = try bus.read(address, 0x00, 1)[0] & 0x7F == Self.awake
    if isReady && !isKnown {
      // Awake from an earlier run, which may have had another frequency. One that is right goes on undisturbed.
      isReady = try bus.read(address, 0xFE, 1)[0] == prescale
    }
    isKnown = isReady
    if !isReady {
      try configure(&bus)
      isKnown = true
      for (channel, level) in levels.sorted(by: { $0.key < $1.key }) { try write(channel, level, &bus) }
    } else {
      try write(channel, level, &bus)
    }
  }

  private func configure(_ bus: inout some I2CTransport) throws(HALError.Fault) {
    // The prescaler is locked unless the oscillator sleeps.
    try bus.write(address, [0x00, Self.asleep])
    try bus.write(address, [0xFE, prescale])
    try bus.write(address, [0x00, Self.awake])
    // 500 µs for the oscillator.
    bus.pause(.milliseconds(1))
  }

  private func write(_ channel: Int, _ level: Double, _ bus: inout some I2CTransport) throws(HALError.Fault) {
    try bus.write(address, Self.transfer(channel, level))
  }

  /// What drives a channel of a chip that is set up: its first register, and what goes into the four.
  static func transfer(_ channel: Int, _ level: Double) -> [UInt8] {
    [UInt8(0x06 + 4 * channel)] + registers(level)
  }

  /// LEDn_ON_L, LEDn_ON_H, LEDn_OFF_L, LEDn_OFF_H: bit 4 of the second is full ON, of the fourth full OFF.
  static func registers(_ level: Double) -> [UInt8] {
    let count = Int((min(max(level, 0), 1) * 4096).rounded())
    if count <= 0 { return [0, 0, 0, 0x10] }
    if count >= 4096 { return [0, 0x10, 0, 0] }
    return [0, 0, UInt8(count & 0xFF), UInt8(count >> 8)]
  }
}
