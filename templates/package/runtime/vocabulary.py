"""What APIs call otherwise than people do, in English and Spanish: general words alone, none of any one API.

Words of one line mean the same, as far as finding goes. A word may stand in several.
"""

from __future__ import annotations

from functools import cache
from typing import Literal

from .wording import stem, without_pronoun

Act = Literal["list", "search", "read", "create", "update", "delete"]

_ACTS: dict[Act, str] = {
    "list": "list all every enumerate listar lista listado listame todos todas",
    "search": "search find query look lookup filter seek buscar busca busco encontrar encuentra filtrar",
    "read": """get show read fetch view see retrieve detail display consultar consulta ver mostrar muestra obtener
        obten leer lee traer detalle""",
    "create": """create add added new open make post insert register generate record prepare build crear crea nuevo
        nueva agregar agrega anadir anade abrir registrar registra generar genera emitir emite hacer haz alta""",
    "update": """update edit change modify set patch put replace rename adjust mark correct actualizar actualiza editar
        cambiar cambia modificar modifica reemplazar corregir marcar""",
    "delete": """delete remove destroy drop erase clear discard unregister rid eliminar elimina borrar borra quitar
        quita suprimir baja""",
}
"""What is done to a thing, in the words for it."""

_LIKE: dict[Act, str] = {
    "create": """send pay charge subscribe invite upload attach book schedule request run start enviar envia pagar paga
        cobrar cobra suscribir invitar invita subir sube adjuntar adjunta programar programa solicitar solicita ejecutar
        iniciar""",
    "update": """close archive complete finish assign enable disable activate suspend cancel confirm approve move cerrar
        archivar completar asignar asigna activar desactivar suspender cancelar cancela anular anula confirmar aprobar
        mover""",
    "delete": "unsubscribe stop undo reverse revoke leave deshacer revertir revocar detener",
}
"""What else comes to one of these, as requests go: an issue is closed by changing it."""

_SAME = """
    cancel revoke void abort stop annul cancelar cancela anular anula detener
    unsubscribe unregister deregister baja
    send sent deliver email mail correo notify dispatch enviar envia mandar manda
    remind reminder nudge recordar recuerda recordatorio
    issue emitir emite
    pay payment paid pago pagar paga pagado
    payer pagador
    charge bill fee cobrar cobra cobro cargo
    refund reimburse repay money reembolso reembolsar devolver devolucion dinero
    invoice bill factura boleta recibo
    billing invoicing facturacion
    debt owe balance due deuda debe debo deben adeuda saldo
    due overdue expiry vencimiento vencido vencida
    amount total sum monto importe
    price cost precio coste costo
    rate tariff plan tarifa tasa
    fee commission comision
    installment cuota
    usage consumption consumo
    recharge topup recarga recargar
    credit credito
    tax impuesto iva vat
    currency moneda divisa
    buy order purchase pedido orden compra comprar
    quote estimate cotizacion presupuesto
    product item article producto articulo
    shipment shipping delivery envio entrega
    stock inventory inventario existencias
    cart basket carrito
    store shop tienda
    seller merchant vendor supplier vendedor comerciante proveedor
    discount coupon descuento cupon
    contract agreement contrato
    service servicio
    card tarjeta
    bank banco bancario
    account cuenta
    customer client buyer cliente comprador
    user person people usuario persona
    subscriber suscriptor abonado
    member participant attendee miembro participante
    employee staff empleado
    team equipo
    company organization organisation org business empresa organizacion compania
    contact contacto
    recipient receiver destinatario receptor
    phone telephone line mobile msisdn telefono linea celular movil
    address direccion
    name nombre
    download export descargar descarga exportar
    upload import subir sube cargar importar
    attach attachment adjuntar adjunta adjunto
    copy duplicate clone copiar copia duplicar
    move transfer mover transferir transferencia
    swap exchange intercambio cambio
    confirm approve accept confirmar confirma aprobar aceptar
    reject decline deny rechazar
    validate verify check validar valida verificar comprobar
    reserve hold reservar reserva
    start run launch trigger iniciar ejecutar
    run execution ejecucion
    login logout log sign session sesion
    signup register registrar
    subscribe subscription register listener webhook callback hub suscribir suscripcion
    event notification evento notificacion aviso
    alert alarm alerta alarma
    mute silence silenciar silencio
    follow seguir
    block ban bloquear
    lock bloquear
    invite invitation invitar invita
    assign assignee asignar asigna
    merge fusionar
    template plantilla
    report statement informe reporte
    file document archivo fichero documento
    folder directory carpeta
    content contenido
    image picture photo imagen foto
    message mensaje
    comment note remark comentario nota
    meeting reunion
    task todo tarea
    subtask subtarea
    project proyecto
    ticket issue case incidencia caso
    complaint claim reclamo queja
    visit visita
    track tracking rastrear rastrea seguimiento
    coverage cobertura
    theft stolen lost robo perdida
    tag label etiqueta
    category categoria
    group grupo
    role rol
    permission access permiso acceso
    key clave llave
    password contrasena
    secret secreto
    device dispositivo
    status state health estado
    server servidor
    error failure fallo
    history log audit historial registro
    version release
    branch rama
    repository repo repositorio
    date day fecha dia
    month mes
    week semana
    year ano
    time hour tiempo hora
    cycle period ciclo periodo
    appointment booking cita reserva
    calendar calendario
    location place lugar ubicacion
    code codigo
    number numero
    next siguiente proximo
    link url enlace
    page pagina
    news noticia
    language idioma
    country pais
    city ciudad
    profile perfil
    setting configuration preference configuracion ajuste
    test prueba
    draft borrador
    external externo
    pending unpaid outstanding pendiente impago
"""


@cache
def meanings() -> dict[str, frozenset[str]]:
    """For each stem the stems of what means the same, itself among them."""
    found: dict[str, frozenset[str]] = {}
    for line in (*_ACTS.values(), *_SAME.strip().splitlines()):
        group = frozenset(map(stem, line.split()))
        for one in group:
            found[one] = found.get(one, frozenset()) | group
    return found


@cache
def acts() -> dict[str, Act]:
    """For each stem of a verb, or of what stands for one, what is done."""
    return _like() | _verbs()


def may_be_noun(one: str) -> bool:
    """Whether a stem of `acts` is that of a thing too, such as charge, request or start."""
    return one not in _verbs()


@cache
def _verbs() -> dict[str, Act]:
    return {stem(word): act for act, words in _ACTS.items() for word in words.split()}


@cache
def _like() -> dict[str, Act]:
    return {stem(word): act for act, words in _LIKE.items() for word in words.split()}


def known(word: str) -> str:
    """The stem of a word; where that is none of these, and is one without a Spanish pronoun (muéstrame), that one."""
    whole, verb = stem(word), stem(without_pronoun(word))
    return verb if whole not in meanings() and (verb in meanings() or verb in acts()) else whole
