extension Double {
  /// The number for people: `30.4`, `1013.25`, `21`, `0.004`, `1e+09`. Rounded to two decimals, or to two digits below
  /// 0.1.
  ///
  /// Use `description` for the exact number.
  package var text: String {
    guard isFinite, magnitude < 1e9 else { return description }
    if self == 0 { return "0" }
    var scale = 100.0
    while magnitude * scale < 10, scale < 1e12 { scale *= 10 }
    let rounded = (self * scale).rounded() / scale
    if rounded == rounded.rounded() { return "\(Int64(rounded))" }
    return rounded.description
  }
}
