import Glibc
import Model

/// Sunrise and sunset, to about a minute between the polar circles.
///
/// The equations are those of NOAA's solar calculator (gml.noaa.gov/grad/solcalc, after Meeus, "Astronomical
/// Algorithms"): the sun's centre is 0.833° below the horizon, for its radius and the usual refraction.
enum Sun {
  /// When the sun rises and sets on a day, in seconds since 1970; nil when it does not.
  /// - Parameter day: days since 1970-01-01.
  static func light(at place: Board.Place, on day: Int64) -> (rise: Int64, set: Int64)? {
    // Begin with local noon by the sun, then refine with the sun's place at the event itself.
    let noon = Double(day) * 86_400 + 43_200 - place.longitude * 240
    guard let rise = event(-1, place, noon, near: noon), let set = event(1, place, noon, near: noon),
      let closerRise = event(-1, place, noon, near: rise), let closerSet = event(1, place, noon, near: set)
    else { return nil }
    return (Int64(closerRise.rounded()), Int64(closerSet.rounded()))
  }

  /// - Parameters:
  ///   - side: -1 for the rise, 1 for the set.
  ///   - time: where the sun's place is taken, in seconds since 1970.
  private static func event(_ side: Double, _ place: Board.Place, _ noon: Double, near time: Double) -> Double? {
    let sun = position(at: time)
    let latitude = radians(place.latitude)
    let cosine =
      cos(radians(90.833)) / (cos(latitude) * cos(sun.declination)) - tan(latitude) * tan(sun.declination)
    guard cosine.magnitude <= 1 else { return nil }
    return noon - sun.equationOfTime * 60 + side * degrees(acos(cosine)) * 240
  }

  /// The sun's declination in radians, and the equation of time in minutes.
  private static func position(at time: Double) -> (declination: Double, equationOfTime: Double) {
    // Julian centuries since 2000-01-01T12:00Z, which is 946,728,000 s after 1970.
    let century = (time - 946_728_000) / 86_400 / 36_525
    let longitude = radians((280.46646 + century * (36_000.76983 + century * 0.0003032)).remainder(dividingBy: 360))
    let anomaly = radians(357.52911 + century * (35_999.05029 - 0.0001537 * century))
    let eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    let centre =
      sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
      + sin(2 * anomaly) * (0.019993 - 0.000101 * century) + sin(3 * anomaly) * 0.000289
    let node = radians(125.04 - 1934.136 * century)
    let apparent = longitude + radians(centre - 0.00569 - 0.00478 * sin(node))
    let obliquity = radians(
      23.439291 - century * (0.013004 + century * (0.00000016 - century * 0.0000005)) + 0.00256 * cos(node))
    let half = tan(obliquity / 2) * tan(obliquity / 2)
    let equation =
      half * sin(2 * longitude) - 2 * eccentricity * sin(anomaly)
      + 4 * eccentricity * half * sin(anomaly) * cos(2 * longitude) - 0.5 * half * half * sin(4 * longitude)
      - 1.25 * eccentricity * eccentricity * sin(2 * anomaly)
    return (asin(sin(obliquity) * sin(apparent)), degrees(equation) * 4)
  }

  private static func radians(_ degrees: Double) -> Double { degrees * .pi / 180 }
  private static func degrees(_ radians: Double) -> Double { radians * 180 / .pi }
}
