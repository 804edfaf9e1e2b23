"""The words that seeded rows are made of."""

FIRST_NAMES = (
    *("Laura", "Andrés", "Camila", "Julián", "Valentina", "Óscar", "Natalia", "Felipe", "Mónica"),
    *("Iván", "Daniela", "Sebastián", "Paola", "Germán", "Luísa", "Thiago", "Beatriz", "João"),
    *("Ximena", "Raúl", "Catalina", "Hernán", "Inés", "Mateo", "Sofía"),
)
LAST_NAMES = (
    *("Gómez", "Rodríguez", "Muñoz", "Peña", "Ávila", "Castaño", "Restrepo", "Núñez", "Ortiz"),
    *("Suárez", "Ibáñez", "Zuluaga", "Mejía", "Quiñones", "Souza", "Araújo", "Conceição", "Leão"),
    *("Benítez", "Yepes", "Londoño", "Cárdenas", "Vélez", "Díaz", "Acuña"),
)
OPERATIONS = (
    *("Café del Valle", "Óptica Mirador", "Droguería San Martín", "Hotel Bahía", "Colegio Andes"),
    *("Moda Ñandú", "Ferretería El Tornillo", "Clínica Santa Lucía", "Viajes Horizonte"),
    "Loja Alvorada",
)
LINES = (
    *("WhatsApp Promociones", "WhatsApp Cobranza", "WhatsApp Fidelización", "WhatsApp Eventos"),
    *("WhatsApp Soporte", "WhatsApp Citas"),
)
TEAMS = ("Cobranza", "Fidelización", "Eventos", "Promociones", "Brasil", "Citas")
INTERNS = "Practicantes"

THEMES = (
    *("Lanzamiento", "Promoción", "Liquidación", "Catálogo", "Renovación", "Bienvenida"),
    *("Fidelización", "Recordatorio", "Encuesta", "Invitación", "Aniversario", "Temporada"),
)
MONTHS = (
    *("enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre"),
    *("octubre", "noviembre", "diciembre"),
)
EVERGREEN = (
    *("Navidad", "Black Friday", "Día de la madre", "Día del niño", "Amor y amistad"),
    *("Regreso a clases", "Semana Santa", "Día sin IVA", "Cumpleaños", "Clientes nuevos"),
)
PRODUCTS = (
    *("cámara réflex", "sofá", "portátil", "colección de otoño", "línea infantil", "edición única"),
    *("bicicleta", "televisión", "joyería", "calzado de niño", "menú de almuerzo", "plan familiar"),
    *("crédito rápido", "seguro médico", "viaje a Cancún", "habitación doble", "gafas de sol"),
    *("café orgánico", "matrícula", "vacunación", "taladro inalámbrico", "decoración", "vajilla"),
)
KINDS = ("Foto", "Banner", "Portada", "Tarjeta", "Anuncio", "Póster", "Cupón", "Guía", "Folleto")
FILE_WORDS = (
    *("promo", "banner", "portada", "catalogo", "menú", "colección", "lanzamiento", "cupón"),
    *("historia", "anuncio", "invitación", "tarjeta", "póster", "guía", "oferta", "niños"),
)

# What the vendor says, by the class of failure: HTTP status, code, message, our own reason.
REFUSALS = (
    (400, "400", "SOME PARAMETERS ARE REQUIRED", ""),
    (400, "400", "The file is not public", ""),
    (404, "404", "NO DATA", ""),
    (200, "400", "Unsupported media type for this connector", ""),
    (422, "422", "La conexión de WhatsApp no está activa", ""),
)
UNCLEAR = (
    (502, "", "<html><head><title>502 Bad Gateway</title></head></html>", "no JSON object"),
    (500, "500", "INTERNAL ERROR", ""),
    (None, "", "", "deadline"),
    (None, "", "", "ConnectionResetError"),
    (200, "200", "Media uploaded successfully", "no handle"),
)
BUSY = (
    (429, "429", "TOO MANY REQUESTS", ""),
    (503, "503", "SERVICE UNAVAILABLE", ""),
    (403, "403", "SERVER UNDER MAINTENANCE", ""),
)
SIMULTANEOUS = ((403, "403", "EXCEEDS THE LIMIT OF SIMULTANEOUS REQUESTS PER TOKEN (2)", ""),)
NOT_SENT = (
    (None, "", "", "ConnectionRefusedError"),
    (None, "", "", "gaierror"),
    (None, "", "", "TimeoutError"),
)
INTERRUPTED = ((None, "", "", ""),)
SUCCESS = "Media uploaded successfully"
